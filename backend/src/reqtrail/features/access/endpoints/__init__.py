"""The routes of access."""

from __future__ import annotations

from reqtrail.features.access.endpoints import groups, members, tokens
from reqtrail.platform.http import ApiRouter

router = ApiRouter(tags=["access"])
for module in (members, groups, tokens):
    router.include_router(module.router)
