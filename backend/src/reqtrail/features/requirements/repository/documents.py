"""Documents and their trees of placements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Result, Row, Select, bindparam, cast, func, literal, null, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Uuid

from reqtrail.features.requirements import tables
from reqtrail.features.versioning.public import (
    Shape,
    Snapshot,
    any_snapshot,
    at_snapshot,
    commits,
    in_ids,
    visible,
)

Rows = Sequence[Any]
"""Rows of a query, read by column name."""


async def list_documents(session: AsyncSession, snapshot: Snapshot) -> Rows:
    """Return the visible documents in order, each with the number of its placements."""
    documents = visible(tables.documents, snapshot)
    placements = visible(tables.placements, snapshot)
    counted = (
        select(placements.c.document_id, func.count().label("item_count"))
        .group_by(placements.c.document_id)
        .subquery()
    )
    statement = (
        select(documents, func.coalesce(counted.c.item_count, 0).label("item_count"))
        .outerjoin(counted, counted.c.document_id == documents.c.entity_id)
        .order_by(documents.c.rank.collate("C"), documents.c.entity_id)
    )
    return (await session.execute(statement)).all()


async def find_document(
    session: AsyncSession, snapshot: Snapshot, document_id: UUID
) -> Row[Any] | None:
    """Return a visible document."""
    statement = _document(snapshot.shape)
    rows = await session.execute(statement, at_snapshot(snapshot, document=document_id))
    found: Row[Any] | None = rows.one_or_none()
    return found


@cache
def _document(shape: Shape) -> Select[Any]:
    documents = visible(tables.documents, any_snapshot(shape))
    return select(documents).where(documents.c.entity_id == bindparam("document", type_=Uuid()))


async def last_document_rank(session: AsyncSession, snapshot: Snapshot) -> str | None:
    """Return the highest rank of the visible documents."""
    documents = visible(tables.documents, snapshot)
    rank: str | None = await session.scalar(
        select(documents.c.rank).order_by(documents.c.rank.collate("C").desc()).limit(1)
    )
    return rank


async def tree_rows(session: AsyncSession, snapshot: Snapshot, document_id: UUID) -> Rows:
    """Return ``(placement, parent, item)`` of a document, siblings in order."""
    statement = _tree(snapshot.shape)
    return list(await session.execute(statement, at_snapshot(snapshot, document=document_id)))


@cache
def _tree(shape: Shape) -> Select[Any]:
    placements = visible(tables.placements, any_snapshot(shape))
    return (
        select(
            placements.c.entity_id,
            placements.c.parent_id,
            placements.c.item_id,
        )
        .where(placements.c.document_id == bindparam("document", type_=Uuid()))
        .order_by(placements.c.rank.collate("C"), placements.c.entity_id)
    )


async def placements_of_items(
    session: AsyncSession, snapshot: Snapshot, ids: Iterable[UUID]
) -> Rows:
    """Return the visible placements of items."""
    placements = visible(tables.placements, snapshot)
    return (
        await session.execute(select(placements).where(in_ids(placements.c.item_id, ids)))
    ).all()


async def load_placements(
    session: AsyncSession, snapshot: Snapshot, ids: Iterable[UUID]
) -> dict[UUID, Row[Any]]:
    """Return visible placements by id."""
    placements = visible(tables.placements, snapshot)
    rows = await session.execute(select(placements).where(in_ids(placements.c.entity_id, ids)))
    return {row.entity_id: row for row in rows}


async def children_of(
    session: AsyncSession, snapshot: Snapshot, document_id: UUID, parents: Iterable[UUID] | None
) -> Rows:
    """Return the visible placements below *parents* in a document, in order; None means its top level."""
    placements = visible(tables.placements, snapshot)
    condition = (
        placements.c.parent_id.is_(None)
        if parents is None
        else in_ids(placements.c.parent_id, parents)
    )
    statement = (
        select(placements)
        .where(placements.c.document_id == document_id, condition)
        .order_by(placements.c.rank.collate("C"), placements.c.entity_id)
    )
    return (await session.execute(statement)).all()


async def placements_referring(
    session: AsyncSession, snapshot: Snapshot, column: str, ids: Iterable[UUID]
) -> Sequence[Row[Any]]:
    """Return ``entity_id`` and ``refers_to`` of placements whose *column* (parent, item, document) is in *ids*."""
    placements = visible(tables.placements, snapshot)
    rows: Result[Any] = await session.execute(
        select(placements.c.entity_id, placements.c[column].label("refers_to")).where(
            in_ids(placements.c[column], ids)
        )
    )
    return rows.all()


async def count_placements(session: AsyncSession, snapshot: Snapshot, document_id: UUID) -> int:
    """Return how many placements a document has."""
    placements = visible(tables.placements, snapshot)
    count: int | None = await session.scalar(
        select(func.count()).select_from(placements).where(placements.c.document_id == document_id)
    )
    return count or 0


async def touched_since(
    session: AsyncSession, low: Snapshot, high: Snapshot, document_id: UUID, limit: int
) -> list[tuple[str, UUID | None, UUID | None]] | None:
    """Return ``(kind, entity, document)`` of the placements and items that commits after *low* up to *high* wrote.

    The document itself is among them if it was written. At most *limit* rows are read: O(changes), by the index on
    seq_from. None means that *low* is not in the history of *high*: the database was restored from a backup.
    """

    def written(table: Any, kind: str, document: Any) -> Any:
        return select(
            literal(kind).label("kind"), table.c.entity_id, document.label("document")
        ).where(
            table.c.project_id == low.project_id,
            table.c.branch_id == low.branch_id,
            table.c.seq_from > low.seq,
            table.c.seq_from <= high.seq,
            table.c.superseded_at > low.recorded_at,
        )

    nothing = cast(null(), Uuid)
    statement = union_all(
        select(
            literal("base").label("kind"), nothing.label("entity_id"), nothing.label("document")
        ).where(
            commits.c.project_id == low.project_id,
            commits.c.seq == low.seq,
            commits.c.hash == low.commit_hash,
        ),
        written(tables.documents, "document", nothing).where(
            tables.documents.c.entity_id == document_id
        ),
        written(tables.placements, "placement", tables.placements.c.document_id),
        written(tables.items, "item", nothing),
    ).limit(limit + 1)
    rows = [(row[0], row[1], row[2]) for row in await session.execute(statement)]
    return rows[1:] if rows and rows[0][0] == "base" else None
