"""The routes of identity."""

from __future__ import annotations

from reqtrail.features.identity.endpoints import api_tokens, own_account, sign_in, users
from reqtrail.platform.http import ApiRouter

router = ApiRouter(tags=["identity"])
for module in (sign_in, own_account, api_tokens, users):
    router.include_router(module.router)
