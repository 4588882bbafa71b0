"""Lists of items."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.requirements import repository
from reqtrail.features.requirements.service.items import present_items
from reqtrail.features.requirements.service.schema import load_schema
from reqtrail.features.versioning.public import Snapshot


async def list_items(
    session: AsyncSession,
    snapshot: Snapshot,
    *,
    state: str | None,
    query: str | None,
    after: UUID | None,
    limit: int,
) -> tuple[list[dict[str, Any]], UUID | None]:
    """Return a page of items and the cursor of the next one; a *query* gives its best matches on one page."""
    schema = await load_schema(session, snapshot)
    if query is not None:
        found = await repository.search_items(session, snapshot, query, limit)
        return await present_items(session, snapshot, schema, list(found)), None
    rows = list(
        await repository.list_items(session, snapshot, state=state, after=after, limit=limit + 1)
    )
    page = rows[:limit]
    following = page[-1].entity_id if len(rows) > limit else None
    return await present_items(session, snapshot, schema, page), following
