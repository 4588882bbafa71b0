"""Every query of traceability."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Result, Row, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.requirements.public import item_can_be_read, without_values
from reqtrail.features.traceability import tables
from reqtrail.features.versioning.public import Guard, Reading, Snapshot, in_ids, visible

LINKS = Guard(
    lambda rows, snapshot: [
        item_can_be_read(rows.c[end], snapshot) for end in ("source_id", "target_id")
    ],
    without_values,
)
READINGS: Final = ((tables.links, LINKS), (tables.link_groups, Reading.WHOLE))
"""What of each table can be read when something is withheld: no link without both its ends."""


async def links_of(
    session: AsyncSession, snapshot: Snapshot, ids: Iterable[UUID]
) -> Sequence[Row[Any]]:
    """Return the visible links that begin or end at items."""
    links = visible(tables.links, snapshot)
    wanted = list(ids)
    return (
        await session.execute(
            select(links)
            .where(or_(in_ids(links.c.source_id, wanted), in_ids(links.c.target_id, wanted)))
            .order_by(links.c.entity_id)
        )
    ).all()


async def links_from(
    session: AsyncSession, snapshot: Snapshot, sources: Iterable[UUID]
) -> Sequence[Row[Any]]:
    """Return the visible links that begin at items."""
    links = visible(tables.links, snapshot)
    return (await session.execute(select(links).where(in_ids(links.c.source_id, sources)))).all()


async def links_of_types(
    session: AsyncSession, snapshot: Snapshot, type_ids: Iterable[UUID]
) -> Sequence[Row[Any]]:
    """Return ``entity_id`` and ``type_id`` of the visible links of types."""
    links = visible(tables.links, snapshot)
    rows: Result[Any] = await session.execute(
        select(links.c.entity_id, links.c.type_id).where(in_ids(links.c.type_id, type_ids))
    )
    return rows.all()
