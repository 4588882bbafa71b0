"""Reading revisions at a snapshot, one entity's history, and what a span of commits touched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    MetaData,
    Select,
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

    A read of a head names the hot partition itself: planning a query over all partitions costs more than running it.
    A read of the past bounds ``seq_*`` and ``superseded_at``, so that every partition which ended before it is pruned.
    """
    name = f"visible_{table.name}"
    if snapshot.is_head:
        table = hot(table)
    column = table.c
    conditions = [
        column.project_id == snapshot.project_id,
        column.branch_id == snapshot.branch_id,
        *_interval(table, snapshot),
    ]
    if not deleted:
        conditions.append(column.deleted.is_(False))
    return select(table).where(*conditions).subquery(name)


@cache
def hot(table: Table) -> Table:
    """Return the partition of a versioned *table* that holds the current revisions, for queries."""
    return table.to_metadata(MetaData(), name=f"{table.name}_hot")


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


# Building a query costs more than running it. Hot ones are built once, on a snapshot whose values are parameters.


@cache
def any_snapshot(is_head: bool) -> Snapshot:
    """Return a stand-in for every snapshot that is a head, or that is none, to build a query on.

    The query is executed with the parameters that :func:`at_snapshot` gives for the one that is meant.
    """
    stand_in: Any = {
        "project_id": bindparam("at_project", type_=Uuid()),
        "branch_id": bindparam("at_branch", type_=Uuid()),
        "seq": bindparam("at_seq", type_=BigInteger()),
        "recorded_at": bindparam("at_moment", type_=DateTime(timezone=True)),
    }
    return Snapshot(branch="", commit_hash=b"", is_head=is_head, **stand_in)


def at_snapshot(snapshot: Snapshot, **more: Any) -> dict[str, Any]:
    """Return the parameters of a query that was built on :func:`any_snapshot`, and *more* of them."""
    return {
        "at_project": snapshot.project_id,
        "at_branch": snapshot.branch_id,
        "at_seq": snapshot.seq,
        "at_moment": snapshot.recorded_at,
        **more,
    }


def in_given_ids(column: Any) -> Any:
    """Return ``column = ANY(:ids)`` for the parameter ``ids``, a list, that the execution gives."""
    return column == func.any(bindparam("ids", type_=ARRAY(Uuid)))


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
    statement = _states(kind, snapshot.is_head)
    result = await session.execute(statement, at_snapshot(snapshot, ids=list(ids)))
    names = kind.field_names
    first = 3 + kind.keyed
    return {
        row[0]: State(
            dict(zip(names, row[first:], strict=True)),
            row[1],
            row[2],
            row[3] if kind.keyed else None,
        )
        for row in result
    }


@cache
def _states(kind: Kind, is_head: bool) -> Select[Any]:
    rows = visible(kind.table, any_snapshot(is_head), deleted=True)
    columns = [rows.c.entity_id, rows.c.deleted, rows.c.seq_from]
    if kind.keyed:
        columns.append(entities.c.key)
    statement = select(*columns, *(rows.c[name] for name in kind.field_names))
    if kind.keyed:
        statement = statement.join(
            entities,
            and_(
                entities.c.project_id == rows.c.project_id,
                entities.c.entity_id == rows.c.entity_id,
            ),
        )
    return statement.where(in_given_ids(rows.c.entity_id))


async def present_ids(
    session: AsyncSession, kind: Kind, snapshot: Snapshot, ids: Iterable[UUID]
) -> set[UUID]:
    """Return which of *ids* are visible at *snapshot* and not deleted, without reading what they hold."""
    statement = _present(kind, snapshot.is_head)
    return set(await session.scalars(statement, at_snapshot(snapshot, ids=list(ids))))


@cache
def _present(kind: Kind, is_head: bool) -> Select[Any]:
    rows = visible(kind.table, any_snapshot(is_head))
    return select(rows.c.entity_id).where(in_given_ids(rows.c.entity_id))


def forget_queries() -> None:
    """Forget the queries that were built once: for tests that change how they are built."""
    _states.cache_clear()
    _present.cache_clear()


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
