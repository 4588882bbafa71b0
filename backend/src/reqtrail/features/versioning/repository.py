"""Every query of the version engine. Each one carries the project filter; none of them knows a requirement field."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Subquery,
    Table,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Uuid

from reqtrail.features.versioning.tables import (
    SEQ_MAX,
    branches,
    commits,
    entities,
    project_counters,
)
from reqtrail.features.versioning.types import CommitRecord, Content, Kind, Snapshot, State

INFINITY: ColumnElement[datetime] = literal_column("'infinity'::timestamptz")
"""``superseded_at`` of current revisions, written as a literal so that the planner prunes the cold partitions."""

COPY_THRESHOLD = 200
"""From this many rows on COPY beats one multi-row INSERT."""


@dataclass(frozen=True)
class Counter:
    """What a commit took from the project's counter row, whose lock it now holds."""

    seq: int
    recorded_at: datetime
    first_item_number: int


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


# --- counters, branches, commits ---------------------------------------------------------------------------------


async def insert_project(
    session: AsyncSession, project_id: UUID, branch_id: UUID, name: str, head: bytes
) -> None:
    """Make the counter row and the root branch of a new project."""
    await session.execute(
        insert(project_counters).values(
            project_id=project_id,
            last_seq=0,
            last_recorded_at=func.clock_timestamp(),
            last_item_number=0,
        )
    )
    await session.execute(
        insert(branches).values(
            project_id=project_id,
            branch_id=branch_id,
            name=name,
            created_seq=1,
            head_seq=0,
            head_hash=head,
            head_recorded_at=func.clock_timestamp(),
        )
    )


async def take_sequence(session: AsyncSession, project_id: UUID) -> Counter | None:
    """Take the next sequence and lock the project's counter row until the transaction ends; None: no such project."""
    statement = (
        update(project_counters)
        .where(project_counters.c.project_id == project_id)
        .values(
            last_seq=project_counters.c.last_seq + 1,
            last_recorded_at=func.greatest(
                func.clock_timestamp(),
                project_counters.c.last_recorded_at + text("interval '1 microsecond'"),
            ),
        )
        .returning(
            project_counters.c.last_seq,
            project_counters.c.last_recorded_at,
            project_counters.c.last_item_number,
        )
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else Counter(row[0], row[1], row[2] + 1)


async def lock_counter(session: AsyncSession, project_id: UUID) -> None:
    """Lock the project's counter row until the transaction ends."""
    await session.execute(
        select(project_counters.c.last_seq)
        .where(project_counters.c.project_id == project_id)
        .with_for_update()
    )


async def give_back_sequence(session: AsyncSession, project_id: UUID) -> None:
    """Undo :func:`take_sequence` in the same transaction: the commit had no effect."""
    await session.execute(
        update(project_counters)
        .where(project_counters.c.project_id == project_id)
        .values(last_seq=project_counters.c.last_seq - 1)
    )


async def set_item_number(session: AsyncSession, project_id: UUID, number: int) -> None:
    """Remember the highest item number given out or brought by an import."""
    await session.execute(
        update(project_counters)
        .where(project_counters.c.project_id == project_id)
        .values(last_item_number=func.greatest(project_counters.c.last_item_number, number))
    )


async def load_counter(session: AsyncSession, project_id: UUID) -> Row[Any] | None:
    """Return the counter row of a project."""
    return (
        await session.execute(
            select(project_counters).where(project_counters.c.project_id == project_id)
        )
    ).one_or_none()


async def load_branch(session: AsyncSession, project_id: UUID, name: str) -> Row[Any] | None:
    """Return the branch called *name*."""
    return (
        await session.execute(
            select(branches).where(branches.c.project_id == project_id, branches.c.name == name)
        )
    ).one_or_none()


async def move_head(session: AsyncSession, record: CommitRecord, project_id: UUID) -> None:
    """Make *record* the head of its branch."""
    await session.execute(
        update(branches)
        .where(branches.c.project_id == project_id, branches.c.branch_id == record.branch_id)
        .values(head_seq=record.seq, head_hash=record.hash, head_recorded_at=record.recorded_at)
    )


async def insert_commit(session: AsyncSession, project_id: UUID, record: CommitRecord) -> None:
    """Write the commit row."""
    await session.execute(
        insert(commits).values(
            project_id=project_id,
            seq=record.seq,
            branch_id=record.branch_id,
            kind=record.kind,
            parents=list(record.parents),
            hash=record.hash,
            author_id=record.author_id,
            message=record.message,
            authored_at=record.authored_at,
            recorded_at=record.recorded_at,
            details=dict(record.details),
        )
    )


def _commits() -> Select[Any]:
    return select(*(column for column in commits.c if column.name != "project_id"))


def _record(row: Row[Any]) -> CommitRecord:
    values = row._mapping
    return CommitRecord(**{**values, "parents": tuple(values["parents"])})


async def load_commit(session: AsyncSession, project_id: UUID, seq: int) -> CommitRecord | None:
    """Return the commit with sequence *seq*."""
    row = (
        await session.execute(
            _commits().where(commits.c.project_id == project_id, commits.c.seq == seq)
        )
    ).one_or_none()
    return None if row is None else _record(row)


async def load_commit_at(
    session: AsyncSession, project_id: UUID, branch_id: UUID, moment: datetime
) -> CommitRecord | None:
    """Return the newest commit of a branch that was recorded at *moment* or before.

    A moment before the first record falls into imported history, if there is any, and is answered by authored dates.
    They decide nowhere else: what a later import says about the past must not change what a date names.
    """
    for column in (commits.c.recorded_at, commits.c.authored_at):
        row = (
            await session.execute(
                _commits()
                .where(
                    commits.c.project_id == project_id,
                    commits.c.branch_id == branch_id,
                    column <= moment,
                )
                .order_by(commits.c.seq.desc())
                .limit(1)
            )
        ).one_or_none()
        if row is not None:
            return _record(row)
    return None


async def list_commits(
    session: AsyncSession,
    project_id: UUID,
    *,
    before: int | None,
    limit: int,
    author_id: UUID | None = None,
    among: Iterable[int] | None = None,
) -> list[CommitRecord]:
    """Return commits, newest first, with a sequence below *before* and, if given, *among* some."""
    statement = _commits().where(commits.c.project_id == project_id)
    if before is not None:
        statement = statement.where(commits.c.seq < before)
    if author_id is not None:
        statement = statement.where(commits.c.author_id == author_id)
    if among is not None:
        wanted = bindparam(None, list(among), type_=ARRAY(commits.c.seq.type), unique=True)
        statement = statement.where(commits.c.seq == func.any(wanted))
    rows = await session.execute(statement.order_by(commits.c.seq.desc()).limit(limit))
    return [_record(row) for row in rows]


async def load_commits(
    session: AsyncSession, project_id: UUID, sequences: Iterable[int]
) -> dict[int, CommitRecord]:
    """Return the commits with the given sequences."""
    rows = await session.execute(
        _commits().where(
            commits.c.project_id == project_id, commits.c.seq.in_(sorted(set(sequences)))
        )
    )
    return {row.seq: _record(row) for row in rows}


# --- entities and revisions --------------------------------------------------------------------------------------


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


async def taken_keys(session: AsyncSession, project_id: UUID, keys: Sequence[str]) -> list[str]:
    """Return which of *keys* entities of the project have already."""
    if not keys:
        return []
    rows = await session.scalars(
        select(entities.c.key).where(
            entities.c.project_id == project_id,
            entities.c.key
            == func.any(bindparam(None, list(keys), type_=ARRAY(entities.c.key.type), unique=True)),
        )
    )
    return [key for key in rows if key is not None]


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


async def insert_entities(
    session: AsyncSession, project_id: UUID, rows: Sequence[tuple[UUID, str, str | None]]
) -> None:
    """Make entities from ``(entity id, kind, key)``."""
    if len(rows) >= COPY_THRESHOLD:
        await _copy(
            session,
            "entities",
            ("project_id", "entity_id", "kind", "key"),
            [(project_id, *row) for row in rows],
        )
    elif rows:
        await session.execute(
            insert(entities),
            [
                {"project_id": project_id, "entity_id": row[0], "kind": row[1], "key": row[2]}
                for row in rows
            ],
        )


async def supersede(
    session: AsyncSession, kind: Kind, head: Snapshot, ids: Sequence[UUID], counter: Counter
) -> None:
    """Close the current revisions of *ids*: PostgreSQL moves the rows from the hot to a cold partition."""
    if not ids:
        return
    column = kind.table.c
    await session.execute(
        update(kind.table)
        .where(
            column.project_id == head.project_id,
            column.branch_id == head.branch_id,
            column.superseded_at == INFINITY,
            in_ids(column.entity_id, ids),
        )
        .values(seq_to=counter.seq, superseded_at=counter.recorded_at)
    )


@dataclass(frozen=True)
class NewRevision:
    """A revision to be inserted."""

    entity_id: UUID
    deleted: bool
    salt: bytes
    content_hash: bytes
    content: Content


async def insert_revisions(
    session: AsyncSession, kind: Kind, head: Snapshot, seq: int, rows: Sequence[NewRevision]
) -> None:
    """Insert current revisions."""
    if len(rows) >= COPY_THRESHOLD:
        await _copy_revisions(session, kind, head, seq, rows)
    elif rows:
        await session.execute(
            insert(kind.table).values(superseded_at=INFINITY),
            [
                {
                    "project_id": head.project_id,
                    "branch_id": head.branch_id,
                    "entity_id": row.entity_id,
                    "seq_from": seq,
                    "seq_to": SEQ_MAX,
                    "deleted": row.deleted,
                    "salt": row.salt,
                    "content_hash": row.content_hash,
                    **row.content,
                }
                for row in rows
            ],
        )


async def _copy_revisions(
    session: AsyncSession, kind: Kind, head: Snapshot, seq: int, rows: Sequence[NewRevision]
) -> None:
    json_fields = {name for name in kind.field_names if isinstance(kind.table.c[name].type, JSONB)}
    names = kind.field_names

    def values(content: Content) -> list[Any]:
        return [
            (
                orjson.dumps(content[name]).decode()
                if name in json_fields and content[name] is not None
                else content[name]
            )
            for name in names
        ]

    # The rows go straight into the hot partition: asyncpg has no value that COPY would read as 'infinity' through
    # the parent, and the partition's default for superseded_at supplies it.
    await _copy(
        session,
        f"{kind.table.name}_hot",
        (
            "project_id",
            "branch_id",
            "entity_id",
            "seq_from",
            "seq_to",
            "deleted",
            "salt",
            "content_hash",
            *names,
        ),
        [
            (
                head.project_id,
                head.branch_id,
                row.entity_id,
                seq,
                SEQ_MAX,
                row.deleted,
                row.salt,
                row.content_hash,
                *values(row.content),
            )
            for row in rows
        ],
    )


async def _copy(
    session: AsyncSession, table: str, columns: Sequence[str], records: Sequence[tuple[Any, ...]]
) -> None:
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    await driver.copy_records_to_table(table, records=records, columns=list(columns))
