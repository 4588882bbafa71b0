"""Reading revisions at a snapshot, one entity's history, and what a span of commits touched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Subquery,
    Table,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Uuid

from reqtrail.features.versioning.tables import entities
from reqtrail.features.versioning.types import Kind, Snapshot, State

INFINITY: ColumnElement[datetime] = literal_column("'infinity'::timestamptz")
"""``superseded_at`` of current revisions, written as a literal so that the planner prunes the cold partitions."""


def visible(table: Table, snapshot: Snapshot, *, deleted: bool = False) -> Subquery:
    """Return the rows of *table* visible at *snapshot*: at most one an entity.

    A read of a head touches the hot partition alone; a read of the past bounds ``seq_*`` and ``superseded_at``, so
    that every partition which ended before it is pruned.
    """
    column = table.c
    conditions = [
        column.project_id == snapshot.project_id,
        column.branch_id == snapshot.branch_id,
        *_interval(table, snapshot),
    ]
    if not deleted:
        conditions.append(column.deleted.is_(False))
    return select(table).where(*conditions).subquery(f"visible_{table.name}")


def _interval(table: Table, snapshot: Snapshot) -> list[Any]:
    if snapshot.is_head:
        return [table.c.superseded_at == INFINITY]
    return [
        table.c.seq_from <= snapshot.seq,
        table.c.seq_to > snapshot.seq,
        table.c.superseded_at > snapshot.recorded_at,
    ]


def in_ids(column: Any, ids: Iterable[UUID]) -> Any:
    """Return ``column = ANY(:ids)``: one prepared statement whatever the number of ids."""
    return column == func.any(bindparam(None, list(ids), type_=ARRAY(Uuid), unique=True))


async def load_entities(
    session: AsyncSession, project_id: UUID, ids: Iterable[UUID]
) -> dict[UUID, tuple[str, str | None]]:
    """Return ``(kind, key)`` of the entities that exist among *ids*."""
    rows = await session.execute(
        select(entities.c.entity_id, entities.c.kind, entities.c.key).where(
            entities.c.project_id == project_id, in_ids(entities.c.entity_id, ids)
        )
    )
    return {row.entity_id: (row.kind, row.key) for row in rows}


async def highest_number(session: AsyncSession, project_id: UUID, project_key: str) -> int:
    """Return the highest number that a key of the project's own form carries; 0 if there is none."""
    number = func.substring(entities.c.key, f"^{project_key}-([0-9]{{1,15}})$")
    found: int | None = await session.scalar(
        select(func.max(cast(number, BigInteger))).where(entities.c.project_id == project_id)
    )
    return found or 0


async def find_entity_by_key(session: AsyncSession, project_id: UUID, key: str) -> UUID | None:
    """Return the entity with the human key *key*."""
    found: UUID | None = await session.scalar(
        select(entities.c.entity_id).where(
            entities.c.project_id == project_id, entities.c.key == key
        )
    )
    return found


async def states_at(
    session: AsyncSession, kind: Kind, snapshot: Snapshot, ids: Iterable[UUID]
) -> dict[UUID, State]:
    """Return the states at *snapshot* of the entities among *ids* that existed by then, deleted ones included."""
    rows = visible(kind.table, snapshot, deleted=True)
    statement = select(rows).where(in_ids(rows.c.entity_id, ids))
    if kind.keyed:
        statement = statement.add_columns(entities.c.key).join(
            entities,
            and_(
                entities.c.project_id == rows.c.project_id,
                entities.c.entity_id == rows.c.entity_id,
            ),
        )
    result = await session.execute(statement)
    return {
        row["entity_id"]: State(
            kind.content_of(dict(row)),
            row["deleted"],
            row["seq_from"],
            row["key"] if kind.keyed else None,
        )
        for row in result.mappings()
    }


async def present_ids(
    session: AsyncSession, kind: Kind, snapshot: Snapshot, ids: Iterable[UUID]
) -> set[UUID]:
    """Return which of *ids* are visible at *snapshot* and not deleted, without reading what they hold."""
    rows = visible(kind.table, snapshot)
    found = await session.scalars(select(rows.c.entity_id).where(in_ids(rows.c.entity_id, ids)))
    return set(found)


async def touched_ids(
    session: AsyncSession, kind: Kind, low: Snapshot, high_seq: int
) -> list[UUID]:
    """Return the entities of *kind* written after *low* and not after *high_seq*: O(changes), by the seq_from index."""
    column = kind.table.c
    rows = await session.scalars(
        select(column.entity_id)
        .where(
            column.project_id == low.project_id,
            column.branch_id == low.branch_id,
            column.seq_from > low.seq,
            column.seq_from <= high_seq,
            column.superseded_at > low.recorded_at,
        )
        .distinct()
    )
    return list(rows)


async def revisions_of(
    session: AsyncSession, kind: Kind, project_id: UUID, branch_id: UUID, entity_id: UUID
) -> list[State]:
    """Return every revision of one entity on a branch, oldest first."""
    column = kind.table.c
    rows = await session.execute(
        select(kind.table)
        .where(
            column.project_id == project_id,
            column.branch_id == branch_id,
            column.entity_id == entity_id,
        )
        .order_by(column.seq_from)
    )
    return [
        State(kind.content_of(dict(row)), row["deleted"], row["seq_from"])
        for row in rows.mappings()
    ]


async def sequences_of(
    session: AsyncSession, kind: Kind, project_id: UUID, entity_id: UUID
) -> list[int]:
    """Return the sequences of the commits that wrote an entity."""
    column = kind.table.c
    rows = await session.scalars(
        select(column.seq_from).where(
            column.project_id == project_id, column.entity_id == entity_id
        )
    )
    return list(rows)


async def changes_of(
    session: AsyncSession, kind: Kind, head: Snapshot, seq: int
) -> AsyncIterator[Sequence[tuple[UUID, bool, bytes]]]:
    """Yield batches of ``(entity id, deleted, content hash)`` that commit *seq*, still being written, wrote.

    They are sorted by entity id, and all current: nothing can have superseded them yet.
    """
    column = kind.table.c
    result = await session.stream(
        select(column.entity_id, column.deleted, column.content_hash)
        .where(
            column.project_id == head.project_id,
            column.branch_id == head.branch_id,
            column.seq_from == seq,
            column.superseded_at == INFINITY,
        )
        .order_by(column.entity_id)
        .execution_options(yield_per=5000)
    )
    async for batch in result.partitions():
        yield [(row[0], row[1], row[2]) for row in batch]
