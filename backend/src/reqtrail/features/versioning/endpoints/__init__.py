"""The HTTP doors of the version engine."""

from __future__ import annotations

from reqtrail.features.versioning.endpoints import baselines, branches, history, redactions
from reqtrail.platform.http import ApiRouter

router = ApiRouter(prefix="/projects/{project}", tags=["versioning"])
for part in (history, branches, baselines, redactions):
    router.include_router(part.router)
