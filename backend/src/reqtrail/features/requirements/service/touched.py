"""The fresh state of what a write touched, so that a client need not ask again."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.requirements import repository
from reqtrail.features.requirements.service.items import present_items
from reqtrail.features.requirements.service.schema import load_schema
from reqtrail.features.versioning.public import CommitResult, Snapshot

MAX_ITEMS = 500
"""A write of more items is answered without their states."""


async def touched_items(
    session: AsyncSession, snapshot: Snapshot, result: CommitResult
) -> list[dict[str, Any]]:
    """Return the items that a commit changed, as they are now; deleted ones say so."""
    ids = [change.entity_id for change in result.changes if change.kind == "item"]
    if not ids or len(ids) > MAX_ITEMS:
        return []
    rows = await repository.load_items(session, snapshot, ids, deleted=True)
    schema = await load_schema(session, snapshot)
    return await present_items(session, snapshot, schema, list(rows.values()))
