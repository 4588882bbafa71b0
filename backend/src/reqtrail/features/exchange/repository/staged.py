"""Queries on what an import is about to write."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import LargeBinary, and_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.tables import exchange_staged, exchange_staged_files
from reqtrail.features.exchange.types import Job
from reqtrail.features.files.public import attachments, encrypts, store
from reqtrail.features.versioning.public import in_ids
from reqtrail.platform.database.copying import copy_rows


@dataclass(frozen=True)
class StagedRow:
    """One entity that a file holds. ``fields`` are JSON values yet."""

    ordinal: int
    kind: str
    entity_id: UUID
    fields: dict[str, Any]


async def stage_rows(session: AsyncSession, job: Job, rows: Iterable[StagedRow]) -> None:
    """Stage entities."""
    await copy_rows(
        session,
        exchange_staged.name,
        ("project_id", "job_id", "ordinal", "kind", "entity_id", "fields"),
        [
            (
                job.project_id,
                job.job_id,
                row.ordinal,
                row.kind,
                row.entity_id,
                orjson.dumps(row.fields).decode(),
            )
            for row in rows
        ],
    )


async def stage_file(session: AsyncSession, job: Job, sha256: bytes, data: bytes) -> None:
    """Stage the bytes of an attachment."""
    await session.execute(
        upsert(exchange_staged_files)
        .values(project_id=job.project_id, job_id=job.job_id, sha256=sha256, data=data)
        .on_conflict_do_nothing()
    )


async def count_staged(session: AsyncSession, job: Job) -> int:
    """Return how many entities are staged."""
    counted: int = (
        await session.scalar(
            select(func.count()).where(
                exchange_staged.c.project_id == job.project_id,
                exchange_staged.c.job_id == job.job_id,
            )
        )
        or 0
    )
    return counted


async def staged_chunks(
    session: AsyncSession, job: Job, size: int, kinds: Sequence[str] | None = None
) -> AsyncIterator[list[StagedRow]]:
    """Yield what is staged in the order in which it must be written, *size* entities of one kind at a time at most."""
    after = -1
    table = exchange_staged
    while True:
        statement = select(table.c.ordinal, table.c.kind, table.c.entity_id, table.c.fields).where(
            table.c.project_id == job.project_id,
            table.c.job_id == job.job_id,
            table.c.ordinal > after,
        )
        if kinds is not None:
            statement = statement.where(table.c.kind.in_(kinds))
        found = (await session.execute(statement.order_by(table.c.ordinal).limit(size))).all()
        if not found:
            return
        after = found[-1].ordinal
        start = 0
        for position in range(1, len(found) + 1):
            if position == len(found) or found[position].kind != found[start].kind:
                yield [StagedRow(*row) for row in found[start:position]]
                start = position


async def staged_among(session: AsyncSession, job: Job, ids: Iterable[UUID]) -> set[UUID]:
    """Return which of *ids* the file holds."""
    found = await session.scalars(
        select(exchange_staged.c.entity_id).where(
            exchange_staged.c.project_id == job.project_id,
            exchange_staged.c.job_id == job.job_id,
            in_ids(exchange_staged.c.entity_id, ids),
        )
    )
    return set(found)


async def keep_files(session: AsyncSession, job: Job, digests: Iterable[bytes]) -> None:
    """Turn staged bytes into attachments of the project."""
    staged = exchange_staged_files
    wanted = bindparam(None, list(digests), type_=ARRAY(LargeBinary), unique=True)
    condition = and_(
        staged.c.project_id == job.project_id,
        staged.c.job_id == job.job_id,
        staged.c.sha256 == func.any(wanted),
    )
    if encrypts(session):
        for digest in (await session.scalars(select(staged.c.sha256).where(condition))).all():
            one = select(staged.c.data).where(condition, staged.c.sha256 == digest)
            await store(session, job.project_id, (await session.scalars(one)).one())
        return
    source = select(
        staged.c.project_id, staged.c.sha256, func.octet_length(staged.c.data), staged.c.data
    ).where(condition)
    names = ["project_id", "sha256", "size", "data"]
    await session.execute(upsert(attachments).from_select(names, source).on_conflict_do_nothing())
