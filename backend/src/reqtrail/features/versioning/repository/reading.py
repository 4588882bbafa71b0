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
    FromClause,
    MetaData,
    Select,
    Subquery,
    Table,
    and_,
    bindparam,
    cast,
    false,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Uuid

from reqtrail.features.access.public import NOTHING_WITHHELD, Withheld, withheld_in
from reqtrail.features.versioning.tables import entities
from reqtrail.features.versioning.types import Kind, Level, Shape, Snapshot, State
from reqtrail.features.versioning.withholding import Guard, Reading, reading_of, without_values

INFINITY: ColumnElement[datetime] = literal_column("'infinity'::timestamptz")
"""``superseded_at`` of current revisions, written as a literal so that the planner prunes the cold partitions."""


def visible(table: Table, snapshot: Snapshot, *, deleted: bool = False) -> Subquery:
    """Return the rows of *table* visible at *snapshot*: at most one an entity.

    A read of a head names the hot partition itself: planning a query over all partitions costs more than running it.
    A read of the past bounds ``seq_*`` and ``superseded_at``, so that every partition which ended before it is pruned.
    On a branch the layers are added up, each without the entities that a nearer one has a revision of, deleted or not.
    """
    levels = snapshot.levels
    layers = [
        _layer(table, snapshot.project_id, level, levels[:depth], deleted)
        for depth, level in enumerate(levels)
    ]
    whole = layers[0] if len(layers) == 1 else union_all(*layers)
    if not snapshot.withheld:
        return whole.subquery(f"visible_{table.name}")
    return _readable(table, whole.subquery(f"all_{table.name}"), snapshot)


def _readable(table: Table, rows: Subquery, snapshot: Snapshot) -> Subquery:
    """Return those of the visible *rows* of *table*, and of their columns, that are not withheld.

    It comes after the layers are put together: what is withheld still hides what it has taken the place of.
    """
    reading = reading_of(table)
    if isinstance(reading, Guard):
        columns = {**{column.name: column for column in rows.c}, **reading.columns(rows, snapshot)}
        statement = select(*columns.values()).where(*reading.conditions(rows, snapshot))
    else:
        statement = select(rows)
        if reading is Reading.WHOLE:
            statement = statement.where(false())
    return statement.subquery(f"visible_{table.name}")


def _layer(
    table: Table, project_id: UUID, level: Level, nearer: Sequence[Level], deleted: bool
) -> Select[Any]:
    source = hot(table) if level.is_head else table
    conditions = own(source, project_id, level)
    if not deleted:
        conditions.append(source.c.deleted.is_(False))
    for other in nearer:
        mask = (hot(table) if other.is_head else table).alias()
        masked = select(1).where(
            *own(mask, project_id, other), mask.c.entity_id == source.c.entity_id
        )
        conditions.append(~masked.exists())
    return select(source).where(*conditions)


def own(table: FromClause, project_id: UUID, level: Level) -> list[ColumnElement[bool]]:
    """Return the conditions of a branch's own revisions, deleted ones included, as of one of its commits."""
    return [
        table.c.project_id == project_id,
        table.c.branch_id == level.branch_id,
        *_interval(table, level),
    ]


@cache
def hot(table: Table) -> Table:
    """Return the partition of a versioned *table* that holds the current revisions, for queries."""
    return table.to_metadata(MetaData(), name=f"{table.name}_hot")


def _interval(table: FromClause, level: Level) -> list[Any]:
    if level.is_head:
        return [table.c.superseded_at == INFINITY]
    return [
        table.c.seq_from <= level.seq,
        table.c.seq_to > level.seq,
        table.c.superseded_at > level.recorded_at,
    ]


def in_ids(column: Any, ids: Iterable[UUID]) -> Any:
    """Return ``column = ANY(:ids)``: one prepared statement whatever the number of ids."""
    return column == func.any(bindparam(None, list(ids), type_=ARRAY(Uuid), unique=True))


# Building a query costs more than running it. Hot ones are built once, on a snapshot whose values are parameters.


@cache
def any_snapshot(shape: Shape) -> Snapshot:
    """Return a stand-in for every snapshot of one :attr:`Snapshot.shape`, to build a query on.

    The query is executed with the parameters that :func:`at_snapshot` gives for the one that is meant.
    """
    project: Any = bindparam("at_project", type_=Uuid())
    withheld, *heads = shape
    first, *below = (_any_level(depth, is_head) for depth, is_head in enumerate(heads))
    return Snapshot(
        project,
        first.branch_id,
        branch="",
        seq=first.seq,
        recorded_at=first.recorded_at,
        commit_hash=b"",
        is_head=first.is_head,
        below=tuple(below),
        withheld=_any_withheld() if withheld else NOTHING_WITHHELD,
    )


class _AnyWithheld(Withheld):
    """Stands for whatever is withheld, if anything is."""

    def __bool__(self) -> bool:
        return True


def _any_withheld() -> Withheld:
    documents: Any = bindparam("at_documents", type_=ARRAY(Uuid))
    attributes: Any = bindparam("at_attributes", type_=ARRAY(Uuid))
    return _AnyWithheld(documents, attributes)


def _any_level(depth: int, is_head: bool) -> Level:
    values: Any = {
        "branch_id": bindparam(f"at_branch_{depth}", type_=Uuid()),
        "seq": bindparam(f"at_seq_{depth}", type_=BigInteger()),
        "recorded_at": bindparam(f"at_moment_{depth}", type_=DateTime(timezone=True)),
    }
    return Level(is_head=is_head, **values)


def at_snapshot(snapshot: Snapshot, **more: Any) -> dict[str, Any]:
    """Return the parameters of a query that was built on :func:`any_snapshot`, and *more* of them."""
    parameters = {"at_project": snapshot.project_id, **more}
    for depth, level in enumerate(snapshot.levels):
        parameters[f"at_branch_{depth}"] = level.branch_id
        parameters[f"at_seq_{depth}"] = level.seq
        parameters[f"at_moment_{depth}"] = level.recorded_at
    if snapshot.withheld:
        parameters["at_documents"] = list(snapshot.withheld.documents)
        parameters["at_attributes"] = list(snapshot.withheld.attributes)
    return parameters


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
    statement = _states(kind, snapshot.shape)
    result = await session.execute(statement, at_snapshot(snapshot, ids=list(ids)))
    names = kind.field_names
    first = 4 + kind.keyed
    return {
        row[0]: State(
            dict(zip(names, row[first:], strict=True)),
            row[1],
            row[2],
            row[4] if kind.keyed else None,
            row[3],
        )
        for row in result
    }


@cache
def _states(kind: Kind, shape: Shape) -> Select[Any]:
    rows = visible(kind.table, any_snapshot(shape), deleted=True)
    columns: list[Any] = [
        *(rows.c.entity_id, rows.c.deleted, rows.c.seq_from),
        rows.c.salt.is_(None),
    ]
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
    statement = _present(kind, snapshot.shape)
    return set(await session.scalars(statement, at_snapshot(snapshot, ids=list(ids))))


@cache
def _present(kind: Kind, shape: Shape) -> Select[Any]:
    rows = visible(kind.table, any_snapshot(shape))
    return select(rows.c.entity_id).where(in_given_ids(rows.c.entity_id))


def forget_queries() -> None:
    """Forget the queries that were built once: for tests that change how they are built."""
    _states.cache_clear()
    _present.cache_clear()


async def differing_ids(session: AsyncSession, kind: Kind, a: Snapshot, b: Snapshot) -> list[UUID]:
    """Return every entity of *kind* that can differ between two snapshots of a project, and some that do not.

    What is visible of an entity follows from its revisions on the layers of a snapshot. So it can differ only where a
    layer of both was written between them, or where a layer of one alone has a revision: cost is in what was written
    there, not in the size of the project.
    """
    at_a = {level.branch_id: level for level in a.levels}
    at_b = {level.branch_id: level for level in b.levels}
    found: set[UUID] = set()
    for branch_id in at_a.keys() | at_b.keys():
        one, other = at_a.get(branch_id), at_b.get(branch_id)
        if one is not None and other is not None:
            low, high = sorted((one, other), key=lambda level: level.seq)
            if low.seq < high.seq:
                found.update(await _written_between(session, kind, a.project_id, low, high.seq))
        else:
            level = one or other
            assert level is not None
            found.update(await own_ids(session, kind, a.project_id, level))
    return list(found)


async def own_ids(session: AsyncSession, kind: Kind, project_id: UUID, level: Level) -> list[UUID]:
    """Return the entities of *kind* that have a revision of their own, deleted or not, on a branch."""
    source = hot(kind.table) if level.is_head else kind.table
    statement = select(source.c.entity_id).where(*own(source, project_id, level))
    return list(await session.scalars(statement))


async def _written_between(
    session: AsyncSession, kind: Kind, project_id: UUID, low: Level, high_seq: int
) -> list[UUID]:
    """Return the entities written on a branch after *low* and not after *high_seq*, by the seq_from index."""
    column = kind.table.c
    rows = await session.scalars(
        select(column.entity_id)
        .where(
            column.project_id == project_id,
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
    """Return every revision of one entity on a branch, oldest first, without the values that the session withholds."""
    withheld = withheld_in(session)
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
        State(
            without_values(kind, kind.content_of(dict(row)), withheld),
            row["deleted"],
            row["seq_from"],
            redacted=row["salt"] is None,
        )
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
