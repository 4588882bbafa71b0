"""Files of a project: named, versioned, their bytes addressed by hash."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Row,
    bindparam,
    cast,
    delete,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Text

from reqtrail.features.requirements import tables
from reqtrail.features.versioning.public import (
    Snapshot,
    visible,
)


async def load_files(
    session: AsyncSession, snapshot: Snapshot, paths: Iterable[str]
) -> dict[str, Row[Any]]:
    """Return the visible files with the given paths.

    A path by which two imported files mean different bytes is left out: no picture is better than the wrong one.
    """
    files = visible(tables.files, snapshot)
    wanted = bindparam(None, list(paths), type_=ARRAY(Text), unique=True)
    rows = await session.execute(select(files).where(files.c.path == func.any(wanted)))
    found: dict[str, Row[Any]] = {}
    unclear = set()
    for row in rows:
        if found.setdefault(row.path, row).sha256 != row.sha256:
            unclear.add(row.path)
    return {path: row for path, row in found.items() if path not in unclear}


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


async def texts_with_objects(
    session: AsyncSession, project_id: UUID
) -> AsyncIterator[tuple[UUID, int, dict[str, Any]]]:
    """Yield ``(entity id, sequence, attributes)`` of the revisions, at any version, that may embed files."""
    for table in (tables.items, tables.documents, tables.files.metadata.tables["links"]):
        rows = await session.stream(
            select(table.c.entity_id, table.c.seq_from, table.c.attributes)
            .where(
                table.c.project_id == project_id,
                cast(table.c.attributes, Text).like("%object%"),
            )
            .execution_options(yield_per=500)
        )
        async for row in rows:
            yield row[0], row[1], row[2]


async def files_called(session: AsyncSession, project_id: UUID, paths: Iterable[str]) -> set[UUID]:
    """Return the files that had one of *paths* at any version."""
    files = tables.files.c
    rows = await session.scalars(
        select(files.entity_id).where(files.project_id == project_id, files.path.in_(sorted(paths)))
    )
    return set(rows)


async def drop_attachments(session: AsyncSession, project_id: UUID) -> None:
    """Drop the bytes that no version of a file refers to."""
    files = tables.files
    attachments = files.metadata.tables["attachments"]
    used = select(files.c.sha256).where(
        files.c.project_id == attachments.c.project_id, files.c.sha256 == attachments.c.sha256
    )
    await session.execute(
        delete(attachments).where(
            attachments.c.project_id == project_id,
            attachments.c.size > 0,
            ~used.exists(),
        )
    )
