"""Every query of requirements; each reads what is visible at a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    cast,
    except_,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Text

from reqtrail.features.requirements import tables
from reqtrail.features.versioning.public import (
    Snapshot,
    entities,
    in_ids,
    load_commits,
    visible,
)

Rows = Sequence[Any]
"""Rows of a query, read by column name."""

TITLE_CHARACTERS = 400
"""How much of a rich text is read to make a title of it."""


async def schema_seq(session: AsyncSession, snapshot: Snapshot) -> int:
    """Return the newest sequence up to *snapshot* that wrote a type, an attribute or a datatype."""
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
    found: int | None = await session.scalar(select(func.max(newest.c.seq)))
    return found or 0


async def commit_hash(session: AsyncSession, project_id: UUID, seq: int) -> bytes:
    """Return the hash of a commit; empty when there is none."""
    found = (await load_commits(session, project_id, [seq])).get(seq)
    return found.hash if found else b""


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
    documents = visible(tables.documents, snapshot)
    return (
        await session.execute(select(documents).where(documents.c.entity_id == document_id))
    ).one_or_none()


async def last_document_rank(session: AsyncSession, snapshot: Snapshot) -> str | None:
    """Return the highest rank of the visible documents."""
    documents = visible(tables.documents, snapshot)
    rank: str | None = await session.scalar(
        select(documents.c.rank).order_by(documents.c.rank.collate("C").desc()).limit(1)
    )
    return rank


async def tree_rows(session: AsyncSession, snapshot: Snapshot, document_id: UUID) -> Rows:
    """Return ``(placement, parent, item)`` of a document, siblings in order."""
    placements = visible(tables.placements, snapshot)
    statement = (
        select(
            placements.c.entity_id,
            placements.c.parent_id,
            placements.c.item_id,
        )
        .where(placements.c.document_id == document_id)
        .order_by(placements.c.rank.collate("C"), placements.c.entity_id)
    )
    return (await session.execute(statement)).all()


def _role_values(
    items: Any, roles: dict[UUID, tuple[str | None, str | None]]
) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Return expressions for the title and the beginning of the text of an item, by the roles of its type."""

    def value(index: int) -> ColumnElement[Any]:
        names = {str(type_id): pair[index] for type_id, pair in roles.items() if pair[index]}
        by_type = bindparam(None, names, type_=JSONB, unique=True)
        found: ColumnElement[Any] = items.c.attributes.op("->>")(
            by_type.op("->>")(cast(items.c.type_id, Text))
        )
        return found

    return value(0), func.left(value(1), TITLE_CHARACTERS)


async def item_titles(
    session: AsyncSession,
    snapshot: Snapshot,
    ids: Iterable[UUID],
    roles: dict[UUID, tuple[str | None, str | None]],
) -> Rows:
    """Return ``(item, key, type, title, beginning of the text)``, without the other attributes.

    Args:
        roles: By type: the ids of the attributes that are title and text.
    """
    items = visible(tables.items, snapshot, deleted=True)
    title, beginning = _role_values(items, roles)
    statement = (
        select(
            items.c.entity_id,
            entities.c.key,
            items.c.type_id,
            title.label("title"),
            beginning.label("beginning"),
        )
        .join(
            entities,
            and_(
                entities.c.project_id == snapshot.project_id,
                entities.c.entity_id == items.c.entity_id,
            ),
        )
        .where(in_ids(items.c.entity_id, ids))
    )
    return (await session.execute(statement)).all()


def _items(snapshot: Snapshot, *, deleted: bool = False) -> Any:
    items = visible(tables.items, snapshot, deleted=deleted)
    return (
        items,
        select(
            items.c.entity_id,
            items.c.type_id,
            items.c.attributes,
            items.c.seq_from,
            items.c.deleted,
            entities.c.key,
        ).join(
            entities,
            and_(
                entities.c.project_id == snapshot.project_id,
                entities.c.entity_id == items.c.entity_id,
            ),
        ),
    )


async def load_items(
    session: AsyncSession, snapshot: Snapshot, ids: Iterable[UUID], *, deleted: bool = False
) -> dict[UUID, Row[Any]]:
    """Return visible items by id."""
    items, statement = _items(snapshot, deleted=deleted)
    rows = await session.execute(statement.where(in_ids(items.c.entity_id, ids)))
    return {row.entity_id: row for row in rows}


def _unplaced(snapshot: Snapshot, after: UUID | None, limit: int) -> Select[Any]:
    """Return the first ids of items without a placement.

    A set difference costs one pass whatever the planner knows. An anti-join on a project that was just imported, not
    yet analysed, became a nested loop over all placements for every item.
    """
    items, placements = visible(tables.items, snapshot), visible(tables.placements, snapshot)
    free = except_(
        select(items.c.entity_id),
        select(placements.c.item_id).where(placements.c.item_id.is_not(None)),
    ).subquery()
    statement = select(free.c.entity_id).order_by(free.c.entity_id).limit(limit)
    return statement if after is None else statement.where(free.c.entity_id > after)


async def list_items(
    session: AsyncSession, snapshot: Snapshot, *, state: str | None, after: UUID | None, limit: int
) -> Rows:
    """Return items by id: all, those without a placement (``unplaced``) or the ``deleted`` ones."""
    items, statement = _items(snapshot, deleted=state == "deleted")
    if state == "deleted":
        statement = statement.where(items.c.deleted)
    if state == "unplaced":
        statement = statement.where(items.c.entity_id.in_(_unplaced(snapshot, after, limit)))
    if after is not None:
        statement = statement.where(items.c.entity_id > after)
    rows = await session.execute(statement.order_by(items.c.entity_id).limit(limit))
    result: Rows = rows.all()
    return result


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


async def load_files(
    session: AsyncSession, snapshot: Snapshot, paths: Iterable[str]
) -> dict[str, Row[Any]]:
    """Return the visible files with the given paths."""
    files = visible(tables.files, snapshot)
    wanted = bindparam(None, list(paths), type_=ARRAY(Text), unique=True)
    rows = await session.execute(select(files).where(files.c.path == func.any(wanted)))
    return {row.path: row for row in rows}


async def file_is_referenced(session: AsyncSession, project_id: UUID, sha256: bytes) -> Any:
    """Return the newest file of any version with these bytes, if there ever was one."""
    files = tables.files
    return (
        await session.execute(
            select(files.c.media_type, files.c.path)
            .where(files.c.project_id == project_id, files.c.sha256 == sha256)
            .order_by(files.c.seq_from.desc())
            .limit(1)
        )
    ).one_or_none()


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


async def search_items(session: AsyncSession, snapshot: Snapshot, query: str, limit: int) -> Rows:
    """Return items whose key begins with *query* or whose attributes contain it, keys first."""
    items, statement = _items(snapshot)
    pattern = query.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    by_key = entities.c.key.ilike(f"{pattern}%")
    statement = (
        statement.where(or_(by_key, cast(items.c.attributes, Text).ilike(f"%{pattern}%")))
        .order_by(by_key.desc(), items.c.entity_id)
        .limit(limit)
    )
    result: Rows = (await session.execute(statement)).all()
    return result


async def placements_referring(
    session: AsyncSession, snapshot: Snapshot, column: str, ids: Iterable[UUID]
) -> Sequence[UUID]:
    """Return the visible placements whose *column* (parent, item or document) is among *ids*."""
    placements = visible(tables.placements, snapshot)
    return (
        await session.scalars(
            select(placements.c.entity_id).where(in_ids(placements.c[column], ids))
        )
    ).all()


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


async def count_placements(session: AsyncSession, snapshot: Snapshot, document_id: UUID) -> int:
    """Return how many placements a document has."""
    placements = visible(tables.placements, snapshot)
    count: int | None = await session.scalar(
        select(func.count()).select_from(placements).where(placements.c.document_id == document_id)
    )
    return count or 0


async def files_without_bytes(
    session: AsyncSession, project_id: UUID
) -> list[tuple[UUID, int, bytes]]:
    """Return ``(entity id, sequence, sha256)`` of the revisions of files, at any version, whose attachment is gone."""
    files = tables.files.c
    attachments = tables.files.metadata.tables["attachments"].c
    there = select(attachments.sha256).where(
        attachments.project_id == project_id, attachments.sha256 == files.sha256
    )
    rows = await session.execute(
        select(files.entity_id, files.seq_from, files.sha256)
        .where(files.project_id == project_id, ~there.exists())
        .order_by(files.seq_from)
    )
    return [(row[0], row[1], row[2]) for row in rows]
