"""Queries on imports and on what they were given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, delete, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.errors import ImportFailed
from reqtrail.features.exchange.tables import (
    exchange_jobs,
    exchange_staged,
    exchange_staged_files,
    exchange_uploads,
)
from reqtrail.features.exchange.types import HistoryRequest, Job, JobState
from reqtrail.platform.jobs.tables import jobs
from reqtrail.platform.jobs.types import JobStatus

_OPEN: Final = (JobState.QUEUED, JobState.COMMITTING)
"""What is stored of an import that its job has not brought to rest."""
_ENDED: Final = {
    JobStatus.CANCELLED: JobState.CANCELLED,
    JobStatus.FAILED: JobState.FAILED,
    JobStatus.DEAD: JobState.FAILED,
}
_FORGOTTEN: Final = "The import was given up long ago. Upload the file again."
_GIVEN_UP: Final = "The import was tried several times and given up; its job can be repeated."
_QUEUED: Final = tuple(
    jobs.c[name].label(f"queued_{name}")
    for name in ("state", "phase", "done", "total", "error", "cancel_requested", "finished_at")
)


def _select() -> Select[Any]:
    same = and_(
        jobs.c.project_id == exchange_jobs.c.project_id, jobs.c.job_id == exchange_jobs.c.job_id
    )
    return select(exchange_jobs, *_QUEUED).outerjoin(jobs, same)


def _job(row: Any) -> Job:
    values = {name: value for name, value in row._mapping.items() if "queued_" not in name}
    if values["state"] in _OPEN:
        values |= _under_way(row)
    history = values["history"]
    if history is not None:
        history = HistoryRequest(**{**history, "baselines": tuple(history["baselines"])})
    values |= {"state": JobState(values["state"]), "history": history}
    return Job(**values, cancel_requested=bool(row.queued_cancel_requested))


def _under_way(row: Any) -> dict[str, Any]:
    """Return what the queue says of an import that has not come to rest."""
    if row.queued_state is None:
        return {"state": JobState.FAILED, "error": problem(ImportFailed.code, _FORGOTTEN)}
    phase = "reading" if row.queued_phase == "running" else row.queued_phase
    known = {"phase": phase, "done": row.queued_done, "total": row.queued_total}
    ended = _ENDED.get(row.queued_state)
    if ended is None:
        is_begun = row.state == JobState.QUEUED and row.queued_state == JobStatus.RUNNING
        return {**known, "state": JobState.RUNNING} if is_begun else known
    known |= {"state": ended, "finished_at": row.queued_finished_at, "error": None}
    if ended is JobState.FAILED:
        met = row.queued_error or {}
        known["error"] = problem(ImportFailed.code, f"{_GIVEN_UP} {met.get('detail', '')}".strip())
    return known


def problem(code: str, detail: str, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return why an import failed, as it is stored; *extra* may say the line and the object."""
    places = {name: (extra or {}).get(name) for name in ("line", "object")}
    return {"code": code, "detail": detail, **places}


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
    statement = _select().where(
        exchange_jobs.c.project_id == project_id, exchange_jobs.c.job_id == job_id
    )
    if lock:
        statement = statement.with_for_update(of=exchange_jobs)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else _job(row)


async def list_jobs(session: AsyncSession, project_id: UUID, limit: int) -> list[Job]:
    """Return the newest imports of a project."""
    rows = await session.execute(
        _select()
        .where(exchange_jobs.c.project_id == project_id)
        .order_by(exchange_jobs.c.created_at.desc(), exchange_jobs.c.job_id)
        .limit(limit)
    )
    return [_job(row) for row in rows]


async def update_job(session: AsyncSession, job: Job, **values: Any) -> None:
    """Change columns of an import."""
    await session.execute(
        update(exchange_jobs)
        .where(exchange_jobs.c.project_id == job.project_id, exchange_jobs.c.job_id == job.job_id)
        .values(**values)
    )


async def end_job(session: AsyncSession, project_id: UUID, job_id: UUID, **values: Any) -> None:
    """Bring an import to rest that has not come there, and forget what it was given and staged."""
    found = await session.scalar(
        update(exchange_jobs)
        .where(
            exchange_jobs.c.project_id == project_id,
            exchange_jobs.c.job_id == job_id,
            exchange_jobs.c.state.in_(_OPEN),
        )
        .values(**values)
        .returning(exchange_jobs.c.job_id)
    )
    if found is not None:
        await clear(session, project_id, job_id)


async def is_open(session: AsyncSession, project_id: UUID, job_id: UUID) -> bool:
    """Return whether an import has not come to rest, so that its file is there."""
    state = await session.scalar(
        select(exchange_jobs.c.state).where(
            exchange_jobs.c.project_id == project_id, exchange_jobs.c.job_id == job_id
        )
    )
    return state in _OPEN


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


async def clear_staged(session: AsyncSession, project_id: UUID, job_id: UUID) -> None:
    """Forget what an import staged."""
    for table in (exchange_staged, exchange_staged_files):
        await session.execute(
            delete(table).where(table.c.project_id == project_id, table.c.job_id == job_id)
        )


async def clear(session: AsyncSession, project_id: UUID, job_id: UUID) -> None:
    """Forget what an import was given and staged; its row stays as the record of it."""
    await clear_staged(session, project_id, job_id)
    await session.execute(
        delete(exchange_uploads).where(
            exchange_uploads.c.project_id == project_id, exchange_uploads.c.job_id == job_id
        )
    )


async def waiting(session: AsyncSession, project_id: UUID) -> list[Job]:
    """Return the dry runs of a project that wait to be committed."""
    rows = await session.execute(
        _select().where(
            exchange_jobs.c.project_id == project_id,
            exchange_jobs.c.state == JobState.DRY_RUN_READY,
        )
    )
    return [_job(row) for row in rows]


async def abandoned(session: AsyncSession, before: datetime) -> list[tuple[UUID, UUID]]:
    """Return the keys of some imports to tidy up: see :func:`is_abandoned`."""
    rows = await session.execute(
        _select()
        .where(_abandoned(before))
        .order_by(tuple_(exchange_jobs.c.created_at, exchange_jobs.c.job_id))
        .limit(20)
    )
    return [(row.project_id, row.job_id) for row in rows]


async def is_abandoned(
    session: AsyncSession, project_id: UUID, job_id: UUID, before: datetime
) -> Job | None:
    """Return an import, locked, if nobody comes back to it; else None.

    That is a dry run that was asked for before a moment, or what never came to rest while its job ended or is gone.
    """
    statement = _select().where(
        exchange_jobs.c.project_id == project_id,
        exchange_jobs.c.job_id == job_id,
        _abandoned(before),
    )
    row = (await session.execute(statement.with_for_update(of=exchange_jobs))).one_or_none()
    return None if row is None else _job(row)


def _abandoned(before: datetime) -> ColumnElement[bool]:
    state = exchange_jobs.c.state
    return or_(
        and_(state == JobState.DRY_RUN_READY, exchange_jobs.c.created_at < before),
        and_(
            state.in_(_OPEN),
            or_(
                jobs.c.state.is_(None),
                jobs.c.state.in_((JobStatus.CANCELLED, JobStatus.FAILED)),
            ),
        ),
    )
