"""Types, attributes and datatypes, and what uses them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.requirements import tables
from reqtrail.features.versioning.public import (
    Snapshot,
    commits,
    in_ids,
    visible,
)

Rows = Sequence[Any]
"""Rows of a query, read by column name."""


async def schema_commit(session: AsyncSession, snapshot: Snapshot) -> tuple[int, bytes]:
    """Return sequence and hash of the newest commit up to *snapshot* that wrote a type, an attribute or a datatype."""
    tables_ = (tables.types, tables.attribute_definitions, tables.datatypes)
    newest = union_all(
        *(
            select(func.max(table.c.seq_from).label("seq")).where(
                table.c.project_id == snapshot.project_id,
                table.c.branch_id == snapshot.branch_id,
                table.c.seq_from <= snapshot.seq,
            )
            for table in tables_
        )
    ).subquery()
    seq = select(func.max(newest.c.seq)).scalar_subquery()
    row = (
        await session.execute(
            select(commits.c.seq, commits.c.hash).where(
                commits.c.project_id == snapshot.project_id, commits.c.seq == seq
            )
        )
    ).one_or_none()
    return (0, b"") if row is None else (row.seq, row.hash)


async def schema_rows(session: AsyncSession, snapshot: Snapshot) -> tuple[Rows, Rows, Rows]:
    """Return the visible types, attributes and datatypes, each in its order."""
    types = visible(tables.types, snapshot)
    attributes = visible(tables.attribute_definitions, snapshot)
    datatypes = visible(tables.datatypes, snapshot)
    return (
        (await session.execute(select(types).order_by(types.c.rank, types.c.entity_id))).all(),
        (
            await session.execute(
                select(attributes).order_by(attributes.c.rank, attributes.c.entity_id)
            )
        ).all(),
        (
            await session.execute(
                select(datatypes).order_by(datatypes.c.name, datatypes.c.entity_id)
            )
        ).all(),
    )


async def uses_of(
    session: AsyncSession, snapshot: Snapshot, kind: str, ids: Iterable[UUID]
) -> Rows:
    """Return ``kind``, ``entity_id`` and ``used`` of what is visible and has one of the types or datatypes."""
    wanted = list(ids)
    users = (
        (("attribute", tables.attribute_definitions, "datatype_id"),)
        if kind == "datatype"
        else (
            ("item", tables.items, "type_id"),
            ("document", tables.documents, "type_id"),
            ("attribute", tables.attribute_definitions, "type_id"),
        )
    )
    statements = []
    for name, table, column in users:
        rows = visible(table, snapshot)
        statements.append(
            select(
                literal(name).label("kind"), rows.c.entity_id, rows.c[column].label("used")
            ).where(in_ids(rows.c[column], wanted))
        )
    return (await session.execute(union_all(*statements))).all()
