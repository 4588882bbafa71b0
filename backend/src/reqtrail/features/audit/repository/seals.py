"""The hash trees: what waits for them, their leaves and their signatures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, exists, func, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.audit.tables import (
    audit_checkpoints,
    audit_events,
    audit_leaves,
    audit_unsealed,
)
from reqtrail.features.audit.types import Checkpoint, Leaf, Place, Row
from reqtrail.kit.merkle import HASH_BYTES

_LOCKS: Final = 7301200


async def projects_to_seal(session: AsyncSession) -> list[UUID]:
    """Return the projects that have events which are not sealed."""
    return list(await session.scalars(select(audit_unsealed.c.project_id).distinct()))


async def lock_tree(session: AsyncSession, project_id: UUID) -> bool:
    """Take the tree of a project for this transaction; return False if another process has it.

    The lock saves work. That two never add the same leaf follows from the tables' keys.
    """
    number = int.from_bytes(project_id.bytes[-4:], "big", signed=True)
    return bool(await session.scalar(select(func.pg_try_advisory_xact_lock(_LOCKS, number))))


async def take_unsealed(session: AsyncSession, project_id: UUID, limit: int) -> list[Place]:
    """Take the oldest events of a project that are not sealed out of the queue."""
    waiting = audit_unsealed.c
    oldest = (
        select(waiting.occurred_at, waiting.event_id)
        .where(waiting.project_id == project_id)
        .order_by(waiting.occurred_at, waiting.event_id)
        .limit(limit)
    )
    rows = await session.execute(
        delete(audit_unsealed)
        .where(
            waiting.project_id == project_id,
            tuple_(waiting.occurred_at, waiting.event_id).in_(oldest),
        )
        .returning(waiting.occurred_at, waiting.event_id)
    )
    return sorted((Place(*row) for row in rows), key=lambda it: (it.occurred_at, it.event_id))


async def events_of_leaves(
    session: AsyncSession, project_id: UUID, places: Sequence[Place | Leaf]
) -> dict[UUID, Row]:
    """Return the events at *places* by id; those that are not there are left out."""
    if not places:
        return {}
    events = audit_events.c
    rows = await session.execute(
        select(audit_events).where(
            events.project_id == project_id,
            events.occurred_at >= min(place.occurred_at for place in places),
            events.occurred_at <= max(place.occurred_at for place in places),
            events.event_id.in_([place.event_id for place in places]),
        )
    )
    return {row.event_id: dict(row._mapping) for row in rows}


async def append_leaves(session: AsyncSession, project_id: UUID, leaves: Sequence[Leaf]) -> None:
    """Add leaves to a project's tree."""
    rows = [{"project_id": project_id, **vars(leaf)} for leaf in leaves]
    await session.execute(insert(audit_leaves), rows)


async def insert_checkpoint(session: AsyncSession, checkpoint: Checkpoint) -> None:
    """Keep a signature."""
    values = {**vars(checkpoint), "peaks": b"".join(checkpoint.peaks)}
    await session.execute(insert(audit_checkpoints).values(**values))


def _checkpoint(row: Row) -> Checkpoint:
    peaks = row["peaks"]
    places = range(0, len(peaks), HASH_BYTES)
    return Checkpoint(**{**row, "peaks": tuple(peaks[at : at + HASH_BYTES] for at in places)})


async def latest_checkpoint(session: AsyncSession, project_id: UUID) -> Checkpoint | None:
    """Return the newest signature under a project's tree."""
    row = (
        await session.execute(
            select(audit_checkpoints)
            .where(audit_checkpoints.c.project_id == project_id)
            .order_by(audit_checkpoints.c.size.desc())
            .limit(1)
        )
    ).one_or_none()
    return None if row is None else _checkpoint(dict(row._mapping))


async def list_checkpoints(
    session: AsyncSession, project_id: UUID, above: int, up_to: int
) -> list[Checkpoint]:
    """Return the signatures under more than *above* leaves and at most *up_to*, the smallest first."""
    size = audit_checkpoints.c.size
    rows = await session.execute(
        select(audit_checkpoints)
        .where(audit_checkpoints.c.project_id == project_id, size > above, size <= up_to)
        .order_by(size)
    )
    return [_checkpoint(dict(row._mapping)) for row in rows]


async def list_leaves(
    session: AsyncSession, project_id: UUID, start: int, limit: int
) -> list[Leaf]:
    """Return the leaves of a project from *start* on."""
    leaves = audit_leaves.c
    rows = await session.execute(
        select(leaves.seq, leaves.occurred_at, leaves.event_id, leaves.leaf)
        .where(leaves.project_id == project_id, leaves.seq >= start)
        .order_by(leaves.seq)
        .limit(limit)
    )
    return [Leaf(*row) for row in rows]


async def strangers(session: AsyncSession, project_id: UUID, limit: int) -> list[Place]:
    """Return the oldest events that are neither sealed nor wait for it: nobody of Reqtrail's added them so."""
    events, leaves, waiting = audit_events.c, audit_leaves.c, audit_unsealed.c
    rows = await session.execute(
        select(events.occurred_at, events.event_id)
        .where(
            events.project_id == project_id,
            ~exists().where(leaves.project_id == project_id, leaves.event_id == events.event_id),
            ~exists().where(
                waiting.project_id == project_id,
                waiting.occurred_at == events.occurred_at,
                waiting.event_id == events.event_id,
            ),
        )
        .order_by(events.occurred_at, events.event_id)
        .limit(limit)
    )
    return [Place(*row) for row in rows]


async def count_unsealed(session: AsyncSession, project_id: UUID) -> tuple[int, datetime | None]:
    """Return how many events of a project wait for the sealer, and since when."""
    waiting = audit_unsealed.c
    row = (
        await session.execute(
            select(func.count(), func.min(waiting.occurred_at)).where(
                waiting.project_id == project_id
            )
        )
    ).one()
    return int(row[0]), row[1]


async def first_unsealed(session: AsyncSession) -> datetime | None:
    """Return the moment of the oldest event of all projects that is not sealed."""
    oldest: datetime | None = await session.scalar(select(func.min(audit_unsealed.c.occurred_at)))
    return oldest
