"""Writing entities and revisions: a few rows as INSERT, many as COPY."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, Boolean, DateTime, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Uuid

from reqtrail.features.versioning.repository.commits import Counter
from reqtrail.features.versioning.repository.reading import (
    INFINITY,
    any_snapshot,
    at_snapshot,
    hot,
    in_given_ids,
)
from reqtrail.features.versioning.tables import SEQ_MAX, entities
from reqtrail.features.versioning.types import Content, Kind, Snapshot
from reqtrail.platform.database.copying import copy_rows

COPY_THRESHOLD = 200
"""From this many rows on COPY beats one multi-row INSERT."""

_COUNTED = (Uuid, BigInteger, Boolean, DateTime)


async def insert_entities(
    session: AsyncSession, project_id: UUID, rows: Sequence[tuple[UUID, str, str | None]]
) -> set[UUID]:
    """Make entities from ``(entity id, kind, key)``; return the ids of those whose id and key were free."""
    texts = ARRAY(entities.c.key.type)
    given = (
        func.unnest(
            bindparam("ids", [row[0] for row in rows], type_=ARRAY(Uuid)),
            bindparam("kinds", [row[1] for row in rows], type_=texts),
            bindparam("keys", [row[2] for row in rows], type_=texts),
        )
        .table_valued("entity_id", "kind", "key", name="given")
        .render_derived()
    )
    statement = (
        insert(entities)
        .from_select(
            ["project_id", "entity_id", "kind", "key"],
            select(
                bindparam("project", project_id, type_=Uuid),
                given.c.entity_id,
                given.c.kind,
                given.c.key,
            ),
        )
        .on_conflict_do_nothing()
        .returning(entities.c.entity_id)
    )
    return set(await session.scalars(statement))


async def supersede(
    session: AsyncSession, kind: Kind, head: Snapshot, ids: Sequence[UUID], counter: Counter
) -> None:
    """Close the current revisions of *ids*: PostgreSQL moves the rows from the hot to a cold partition."""
    if not ids:
        return
    await session.execute(
        _supersede(kind),
        at_snapshot(head, ids=list(ids), end_seq=counter.seq, end_moment=counter.recorded_at),
    )


@cache
def _supersede(kind: Kind) -> Any:
    column, head = kind.table.c, any_snapshot((False, True))
    return (
        update(kind.table)
        .where(
            column.project_id == head.project_id,
            column.branch_id == head.branch_id,
            column.superseded_at == INFINITY,
            in_given_ids(column.entity_id),
        )
        .values(
            seq_to=bindparam("end_seq", type_=column.seq_to.type),
            superseded_at=bindparam("end_moment", type_=column.superseded_at.type),
        )
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
            _insert(kind),
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


@cache
def _insert(kind: Kind) -> Any:
    return insert(hot(kind.table)).values(superseded_at=INFINITY)


async def analyse(session: AsyncSession, kinds: Sequence[Kind]) -> None:
    """Have PostgreSQL count anew what a large commit wrote of *kinds*, as part of it.

    Until autovacuum comes by, the planner would take the new rows for few, and join them one by one. Only columns that
    queries select and join by are read, none that holds texts. A role that does not own the tables gets a warning.
    """
    tables = [hot(kind.table) for kind in kinds]
    for table in (entities, *tables):
        names = [item.name for item in table.c if isinstance(item.type, _COUNTED)]
        await session.execute(text(f"ANALYZE {table.name} ({', '.join(names)})"))


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
    await copy_rows(
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
