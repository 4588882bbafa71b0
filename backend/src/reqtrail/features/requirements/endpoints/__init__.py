"""The routes of requirements."""

from __future__ import annotations

from reqtrail.features.requirements.endpoints import documents, files, items, writes
from reqtrail.platform.http import ApiRouter

router = ApiRouter(prefix="/projects/{project}", tags=["requirements"])
for module in (documents, items, writes, files):
    router.include_router(module.router)
