"""The routes of requirements."""

from __future__ import annotations

from reqtrail.features.requirements.endpoints import (
    blaming,
    document_history,
    documents,
    files,
    items,
    restoring,
    restrictions,
    writes,
)
from reqtrail.platform.http import ApiRouter

router = ApiRouter(prefix="/projects/{project}", tags=["requirements"])
for module in (
    *(documents, document_history, items, writes, files, restoring, blaming),
    restrictions,
):
    router.include_router(module.router)
