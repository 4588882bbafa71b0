"""Types, attributes and datatypes, and what uses them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    func,
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


async def count_uses(session: AsyncSession, snapshot: Snapshot, type_ids: Iterable[UUID]) -> int:
    """Return how many visible items and documents have one of the types."""
    ids = list(type_ids)
    total = 0
    for table in (tables.items, tables.documents):
        rows = visible(table, snapshot)
        total += (
            await session.scalar(
                select(func.count()).select_from(rows).where(in_ids(rows.c.type_id, ids))
            )
            or 0
        )
    return total


async def attributes_of_datatypes(
    session: AsyncSession, snapshot: Snapshot, ids: Iterable[UUID]
) -> Sequence[UUID]:
    """Return the visible attributes that have one of the datatypes."""
    attributes = visible(tables.attribute_definitions, snapshot)
    return (
        await session.scalars(
            select(attributes.c.entity_id).where(in_ids(attributes.c.datatype_id, ids))
        )
    ).all()
