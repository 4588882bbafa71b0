"""Queries of exchange on the versioned model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, func, or_, Row, select, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.tables import packages
from reqtrail.features.versioning.public import (
    Snapshot,
    commits,
    entities,
    get_kind,
    in_ids,
    visible,
)


async def load_packages(session: AsyncSession, snapshot: Snapshot) -> list[Row[Any]]:
    """Return the packages visible at *snapshot*, by path."""
    table = visible(packages, snapshot)
    return list(await session.execute(select(table).order_by(table.c.path, table.c.entity_id)))


async def known_names(
    session: AsyncSession, snapshot: Snapshot, kind: str
) -> list[tuple[UUID, dict[str, Any] | None]]:
    """Return ``(entity id, extra)`` of everything of a kind; for kinds that a project has few of."""
    table = visible(get_kind(kind).table, snapshot)
    rows = await session.execute(select(table.c.entity_id, table.c.extra))
    return [(row[0], row[1]) for row in rows]


async def renamed(session: AsyncSession, snapshot: Snapshot, kind: str) -> dict[str, UUID]:
    """Return the entities of a kind that exports call otherwise than the imported file did, by that name."""
    table = visible(get_kind(kind).table, snapshot)
    rows = await session.execute(
        select(table.c.extra["as"].astext, table.c.entity_id).where(table.c.extra.has_key("as"))
    )
    return {row[0]: row[1] for row in rows}


async def entity_ids(session: AsyncSession, project_id: UUID) -> set[UUID]:
    """Return the ids of everything that the project ever held."""
    rows = await session.scalars(
        select(entities.c.entity_id).where(entities.c.project_id == project_id)
    )
    return set(rows)


async def last_imports(
    session: AsyncSession, snapshot: Snapshot, kind: str, ids: Iterable[UUID]
) -> dict[UUID, int]:
    """Return for each entity the newest commit of an import that wrote it."""
    table = get_kind(kind).table
    statement = (
        select(table.c.entity_id, func.max(table.c.seq_from))
        .join(
            commits,
            (commits.c.project_id == table.c.project_id) & (commits.c.seq == table.c.seq_from),
        )
        .where(
            table.c.project_id == snapshot.project_id,
            or_(
                *(
                    and_(table.c.branch_id == level.branch_id, table.c.seq_from <= level.seq)
                    for level in snapshot.levels
                )
            ),
            in_ids(table.c.entity_id, ids),
            commits.c.kind == "import",
        )
        .group_by(table.c.entity_id)
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


async def imported_of(
    session: AsyncSession, snapshot: Snapshot, kind: str, package_id: UUID
) -> list[Row[Any]]:
    """Return what an import of a package brought of a kind and is still there."""
    table = visible(get_kind(kind).table, snapshot)
    return list(
        await session.execute(select(table).where(table.c.extra["p"].astext == str(package_id)))
    )


async def placements_of_documents(
    session: AsyncSession, snapshot: Snapshot, documents: Iterable[UUID]
) -> list[Row[Any]]:
    """Return the placements in documents, without their ``extra``."""
    table = visible(get_kind("placement").table, snapshot)
    columns = (table.c.entity_id, table.c.parent_id, table.c.item_id, table.c.document_id)
    return list(
        await session.execute(
            select(*columns, table.c.extra["p"].astext.label("package")).where(
                in_ids(table.c.document_id, documents)
            )
        )
    )


async def placed_items(
    session: AsyncSession, snapshot: Snapshot, ids: Iterable[UUID]
) -> list[tuple[UUID, UUID]]:
    """Return ``(item id, placement id)`` of the placements of items."""
    table = visible(get_kind("placement").table, snapshot)
    rows = await session.execute(
        select(table.c.item_id, table.c.entity_id).where(in_ids(table.c.item_id, ids))
    )
    return [(row[0], row[1]) for row in rows]


async def links_of(
    session: AsyncSession, snapshot: Snapshot, ids: Iterable[UUID]
) -> list[Row[Any]]:
    """Return the links that leave or reach items, without their content."""
    table = visible(get_kind("link").table, snapshot)
    wanted = list(ids)
    columns = (table.c.entity_id, table.c.source_id, table.c.target_id)
    return list(
        await session.execute(
            select(*columns, table.c.extra["p"].astext.label("package")).where(
                in_ids(table.c.source_id, wanted) | in_ids(table.c.target_id, wanted)
            )
        )
    )


async def enum_values(session: AsyncSession, snapshot: Snapshot) -> list[list[dict[str, Any]]]:
    """Return the values of each enumeration."""
    table = visible(get_kind("datatype").table, snapshot)
    return list(
        await session.scalars(select(table.c.enum_values).where(table.c.base == "enumeration"))
    )


async def files_named(
    session: AsyncSession, snapshot: Snapshot, paths: Iterable[str]
) -> list[tuple[str, UUID, bytes]]:
    """Return ``(path, entity id, SHA-256)`` of the visible files with the given paths."""
    table = visible(get_kind("file").table, snapshot)
    wanted = bindparam(None, list(paths), type_=ARRAY(Text), unique=True)
    rows = await session.execute(
        select(table.c.path, table.c.entity_id, table.c.sha256).where(
            table.c.path == func.any(wanted)
        )
    )
    return [(row[0], row[1], row[2]) for row in rows]
