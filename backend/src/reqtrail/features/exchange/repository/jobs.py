"""Queries on imports and on what they were given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    and_,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.tables import (
    exchange_jobs,
    exchange_staged,
    exchange_staged_files,
    exchange_uploads,
)
from reqtrail.features.exchange.types import HistoryRequest, Job, JobState
from reqtrail.platform.jobs.queue import LISTED
from reqtrail.platform.jobs.types import MOST_ATTEMPTS

ACTIVE = (JobState.QUEUED, JobState.RUNNING, JobState.COMMITTING)


def _job(row: Any) -> Job:
    values = dict(row._mapping)
    history = values["history"]
    if history is not None:
        history = HistoryRequest(**{**history, "baselines": tuple(history["baselines"])})
    return Job(**{**values, "state": JobState(values["state"]), "history": history})


async def insert_job(session: AsyncSession, **values: Any) -> None:
    """Make the row of an import."""
    await session.execute(insert(exchange_jobs).values(**values))


async def insert_piece(
    session: AsyncSession, project_id: UUID, job_id: UUID, ordinal: int, data: bytes
) -> None:
    """Keep a piece of the uploaded file."""
    await session.execute(
        insert(exchange_uploads).values(
            project_id=project_id, job_id=job_id, ordinal=ordinal, data=data
        )
    )


async def load_job(
    session: AsyncSession, project_id: UUID, job_id: UUID, *, lock: bool = False
) -> Job | None:
    """Return an import; with *lock* nobody else changes it until the transaction ends."""
    statement = select(exchange_jobs).where(
        exchange_jobs.c.project_id == project_id, exchange_jobs.c.job_id == job_id
    )
    row = (await session.execute(statement.with_for_update() if lock else statement)).one_or_none()
    return None if row is None else _job(row)


async def list_jobs(session: AsyncSession, project_id: UUID, limit: int) -> list[Job]:
    """Return the newest imports of a project."""
    rows = await session.execute(
        select(exchange_jobs)
        .where(exchange_jobs.c.project_id == project_id)
        .order_by(exchange_jobs.c.created_at.desc(), exchange_jobs.c.job_id)
        .limit(limit)
    )
    return [_job(row) for row in rows]


def as_jobs() -> Select[Any]:
    """Return the query of imports in the columns of jobs, for lists of both.

    A dry run that waits for somebody is a job that is done; what is committed runs again.
    """
    table = exchange_jobs.c
    state = case(
        (table.state == JobState.DRY_RUN_READY, JobState.DONE),
        (table.state == JobState.COMMITTING, JobState.RUNNING),
        else_=table.state,
    )
    values: dict[str, ColumnElement[Any]] = {
        "kind": literal("exchange.import"),
        "state": state,
        "most_attempts": literal(MOST_ATTEMPTS),
        "result": cast(null(), JSONB),
        "run_at": table.created_at,
        "started_at": cast(null(), DateTime(timezone=True)),
        "expires_at": cast(null(), DateTime(timezone=True)),
    }
    return select(
        *((values[name] if name in values else table[name]).label(name) for name in LISTED)
    )


async def update_job(session: AsyncSession, job: Job, **values: Any) -> None:
    """Change columns of an import."""
    await session.execute(
        update(exchange_jobs)
        .where(exchange_jobs.c.project_id == job.project_id, exchange_jobs.c.job_id == job.job_id)
        .values(**values)
    )


async def queued(session: AsyncSession) -> tuple[int, float]:
    """Return how many imports nobody has begun, and for how many seconds the oldest has waited."""
    waited = func.extract("epoch", func.clock_timestamp() - func.min(exchange_jobs.c.created_at))
    statement = select(func.count(), func.coalesce(waited, 0)).where(
        exchange_jobs.c.state == JobState.QUEUED
    )
    row = (await session.execute(statement)).one()
    return int(row[0]), float(row[1])


async def claim_job(session: AsyncSession, lease: timedelta) -> Job | None:
    """Take an import that nobody works on; its lease must be renewed before it runs out.

    Projects take turns: the one with the fewest imports under way comes first, then the one whose last import ended
    longest ago, so that fifty imports of one do not hold up the only one of another.
    """
    others = exchange_jobs.alias("others")
    same_project = others.c.project_id == exchange_jobs.c.project_id
    under_way = (
        select(func.count())
        .where(same_project, others.c.lease_until >= func.clock_timestamp())
        .correlate(exchange_jobs)
        .scalar_subquery()
    )
    last_ended = (
        # A dry run that waits to be committed has no end yet.
        select(func.max(func.coalesce(others.c.finished_at, others.c.created_at)))
        .where(same_project, others.c.state.not_in(ACTIVE))
        .correlate(exchange_jobs)
        .scalar_subquery()
    )
    free = (
        select(exchange_jobs.c.project_id, exchange_jobs.c.job_id)
        .where(
            exchange_jobs.c.state.in_(ACTIVE),
            or_(
                exchange_jobs.c.lease_until.is_(None),
                exchange_jobs.c.lease_until < func.clock_timestamp(),
            ),
        )
        .order_by(under_way, last_ended.asc().nulls_first(), exchange_jobs.c.created_at)
        .limit(1)
        .with_for_update(skip_locked=True, of=exchange_jobs)
    )
    found = (await session.execute(free)).one_or_none()
    if found is None:
        return None
    row = await session.execute(
        update(exchange_jobs)
        .where(
            exchange_jobs.c.project_id == found.project_id, exchange_jobs.c.job_id == found.job_id
        )
        .values(
            lease_until=func.clock_timestamp() + lease,
            attempts=exchange_jobs.c.attempts + 1,
            state=case(
                (exchange_jobs.c.state == JobState.QUEUED, JobState.RUNNING),
                else_=exchange_jobs.c.state,
            ),
        )
        .returning(exchange_jobs)
    )
    return _job(row.one())


async def renew(
    session: AsyncSession, job: Job, lease: timedelta, phase: str, done: int, total: int
) -> bool | None:
    """Extend the lease and tell how far the import is.

    Returns:
        Whether its cancellation was asked for; None if the lease ran out and somebody else took the import.
    """
    cancel: bool | None = await session.scalar(
        update(exchange_jobs)
        .where(
            exchange_jobs.c.project_id == job.project_id,
            exchange_jobs.c.job_id == job.job_id,
            exchange_jobs.c.attempts == job.attempts,
        )
        .values(lease_until=func.clock_timestamp() + lease, phase=phase, done=done, total=total)
        .returning(exchange_jobs.c.cancel_requested)
    )
    return cancel


async def read_pieces(session: AsyncSession, job: Job) -> AsyncIterator[bytes]:
    """Yield the uploaded file piece by piece."""
    ordinal = 0
    while True:
        data = await session.scalar(
            select(exchange_uploads.c.data).where(
                exchange_uploads.c.project_id == job.project_id,
                exchange_uploads.c.job_id == job.job_id,
                exchange_uploads.c.ordinal == ordinal,
            )
        )
        if data is None:
            return
        yield data
        ordinal += 1


async def clear_staged(session: AsyncSession, job: Job) -> None:
    """Forget what an import staged."""
    for table in (exchange_staged, exchange_staged_files):
        await session.execute(
            delete(table).where(table.c.project_id == job.project_id, table.c.job_id == job.job_id)
        )


async def clear(session: AsyncSession, job: Job) -> None:
    """Forget what an import was given and staged; its row stays as the record of it."""
    await clear_staged(session, job)
    await session.execute(
        delete(exchange_uploads).where(
            exchange_uploads.c.project_id == job.project_id,
            exchange_uploads.c.job_id == job.job_id,
        )
    )


async def waiting(session: AsyncSession, project_id: UUID) -> list[Job]:
    """Return the dry runs of a project that wait to be committed."""
    rows = await session.execute(
        select(exchange_jobs).where(
            exchange_jobs.c.project_id == project_id,
            exchange_jobs.c.state == JobState.DRY_RUN_READY,
        )
    )
    return [_job(row) for row in rows]


async def abandoned(session: AsyncSession, before: datetime) -> list[Job]:
    """Return dry runs that nobody committed, reported before a moment."""
    rows = await session.execute(
        select(exchange_jobs)
        .where(
            and_(
                exchange_jobs.c.state == JobState.DRY_RUN_READY,
                exchange_jobs.c.created_at < before,
            )
        )
        .order_by(tuple_(exchange_jobs.c.created_at, exchange_jobs.c.job_id))
        .limit(20)
    )
    return [_job(row) for row in rows]
