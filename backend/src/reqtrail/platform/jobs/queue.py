"""Jobs as those who ask for them see them: queued, looked at, cancelled, repeated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.kit import clock
from reqtrail.kit.errors import Conflict, Gone, NotFound
from reqtrail.kit.ids import new_id
from reqtrail.platform.database.engine import Database, after_commit
from reqtrail.platform.jobs.changes import note_changed
from reqtrail.platform.jobs.registry import kind_of, tell_ended
from reqtrail.platform.jobs.tables import job_results, jobs
from reqtrail.platform.jobs.types import ENDED, REPEATABLE, Job, JobStatus, Priority
from reqtrail.platform.telemetry.tracing import current_trace_parent

COLUMNS: Final = tuple(jobs.c[item.name] for item in fields(Job))
LISTED: Final = (
    *("project_id", "job_id", "kind", "author_id", "state", "phase", "done", "total", "attempts"),
    *("most_attempts", "result", "error", "cancel_requested", "created_at", "run_at"),
    *("started_at", "finished_at", "expires_at"),
)
"""The columns that lists of jobs show."""
_RINGERS: Final = "reqtrail_job_ringers"

Ringer = Callable[[UUID], None]
"""Called with a project that has a new job; it must neither wait nor raise."""


class JobNotFound(NotFound):
    """There is no such job, or not for the one who asks."""

    code = "job_not_found"
    title = "There is no such job"


class JobStateWrong(Conflict):
    """The job is not at a point where this can be done with it."""

    code = "job_state_wrong"
    title = "The job is at another point"


class NoResult(Gone):
    """The job has no file, or not any more."""

    code = "job_result_gone"
    title = "There is no result to fetch"


def job_of(row: Row[Any]) -> Job:
    """Return a stored row as a job."""
    values = dict(row._mapping)
    return Job(**{**values, "state": JobStatus(values["state"])})


def on_queued(database: Database, ringer: Ringer) -> Callable[[], None]:
    """Have *ringer* called once a job that was queued through *database* can be seen by others.

    Returns:
        A function that ends it.
    """
    ringers: list[Ringer] = database.info.setdefault(_RINGERS, [])
    ringers.append(ringer)

    def end() -> None:
        ringers.remove(ringer)

    return end


def ring(session: AsyncSession, project_id: UUID) -> None:
    """Call the ringers once the transaction of *session* is durable."""

    async def tell() -> None:
        for ringer in list(session.info.get(_RINGERS, ())):
            ringer(project_id)

    after_commit(session, tell)


async def enqueue(
    session: AsyncSession,
    kind: str,
    project_id: UUID,
    author_id: UUID | None,
    payload: Mapping[str, Any],
    *,
    priority: Priority | None = None,
    run_at: datetime | None = None,
    job_id: UUID | None = None,
) -> Job:
    """Queue a job in the transaction of *session*, which has entered the project: it is there if that commits.

    It goes on with the trace of the request that asks for it.

    Args:
        project_id: ``types.INSTANCE`` for a job of the instance itself.
        author_id: Who asks; None is Reqtrail itself.
        priority: Instead of the one of the kind.
        run_at: Not before this moment.
        job_id: The id of what the job is about, if that is to be the id of the job, too.

    Raises:
        KeyError: If nobody registered the kind.
    """
    known, now = kind_of(kind), clock.now()
    row = await session.execute(
        insert(jobs)
        .values(
            project_id=project_id,
            job_id=job_id or new_id(),
            kind=kind,
            author_id=author_id,
            state=JobStatus.QUEUED,
            priority=known.priority if priority is None else priority,
            payload=dict(payload),
            attempts=0,
            most_attempts=known.most_attempts,
            # The clock of the database is what workers compare with.
            run_at=func.clock_timestamp() if run_at is None else run_at,
            renewals=0,
            phase="queued",
            done=0,
            total=0,
            cancel_requested=False,
            trace_parent=current_trace_parent(),
            created_at=now,
        )
        .returning(*COLUMNS)
    )
    job = job_of(row.one())
    ring(session, project_id)
    note_changed(session, [job])
    return job


async def load_job(
    session: AsyncSession, project_id: UUID, job_id: UUID, *, lock: bool = False
) -> Job:
    """Return a job; with *lock* nobody else changes it until the transaction ends.

    Raises:
        JobNotFound: If the project has no such job.
    """
    found = await find_job(session, project_id, job_id, lock=lock)
    if found is None:
        raise JobNotFound("There is no such job in this project; one that ended is forgotten.")
    return found


async def find_job(
    session: AsyncSession, project_id: UUID, job_id: UUID, *, lock: bool = False
) -> Job | None:
    """Return a job, or None; with *lock* nobody else changes it until the transaction ends."""
    statement = select(*COLUMNS).where(jobs.c.project_id == project_id, jobs.c.job_id == job_id)
    row = (await session.execute(statement.with_for_update() if lock else statement)).one_or_none()
    return None if row is None else job_of(row)


async def is_waiting(session: AsyncSession, project_id: UUID, kind: str) -> bool:
    """Return whether a job of a kind waits in a project that Reqtrail asked for itself."""
    found = await session.scalar(
        select(jobs.c.job_id)
        .where(
            jobs.c.project_id == project_id,
            jobs.c.kind == kind,
            jobs.c.author_id.is_(None),
            jobs.c.state == JobStatus.QUEUED,
        )
        .limit(1)
    )
    return found is not None


async def project_of(session: AsyncSession, job_id: UUID) -> UUID:
    """Return the project of a job, for an administrator.

    Raises:
        JobNotFound: If there is no such job.
    """
    found: UUID | None = await session.scalar(
        select(jobs.c.project_id).where(jobs.c.job_id == job_id)
    )
    if found is None:
        raise JobNotFound("There is no such job; one that ended is forgotten.")
    return found


async def cancel(session: AsyncSession, project_id: UUID, job_id: UUID) -> Job:
    """End a job: at once if it waits, else as soon as its worker notices.

    Raises:
        JobNotFound, JobStateWrong: If there is none, or it has ended.
    """
    job = await load_job(session, project_id, job_id, lock=True)
    if job.state in ENDED:
        raise JobStateWrong(f"The job has ended already: it is “{job.state}”.")
    if job.state is JobStatus.RUNNING:
        return await _change(session, job, cancel_requested=True)
    now = clock.now()
    cancelled = await _change(
        session,
        job,
        state=JobStatus.CANCELLED,
        cancel_requested=True,
        finished_at=now,
        expires_at=now + kind_of(job.kind).kept,
    )
    await tell_ended(session, cancelled)
    return cancelled


async def retry(session: AsyncSession, project_id: UUID, job_id: UUID) -> Job:
    """Queue a job anew that failed, is dead or was cancelled: it gets as many attempts as at first.

    Raises:
        JobNotFound, JobStateWrong: If there is none, or it is not at an end without success.
        ReqtrailError: If its kind refuses it.
    """
    job = await load_job(session, project_id, job_id, lock=True)
    if job.state not in REPEATABLE:
        raise JobStateWrong(
            f"The job is “{job.state}”; only one that failed, is dead or was cancelled can be repeated."
        )
    kind = kind_of(job.kind)
    if kind.repeated is not None:
        await kind.repeated(session, job)
    return await _queue_anew(session, job)


async def resume(
    session: AsyncSession, project_id: UUID, job_id: UUID, kind: str, author_id: UUID
) -> Job:
    """Queue the next step of what a job did before somebody had a look at it; one that is forgotten is made again.

    Raises:
        JobStateWrong: If the job is not done.
    """
    job = await find_job(session, project_id, job_id, lock=True)
    if job is None:
        return await enqueue(session, kind, project_id, author_id, {}, job_id=job_id)
    if job.state is not JobStatus.DONE:
        raise JobStateWrong(f"The job is “{job.state}”; only one that is done goes on.")
    return await _queue_anew(session, job, trace_parent=current_trace_parent())


async def _queue_anew(session: AsyncSession, job: Job, **values: Any) -> Job:
    # Attempts are never counted anew: the number is what fences off a worker that lost its lease.
    queued = await _change(
        session,
        job,
        state=JobStatus.QUEUED,
        most_attempts=job.attempts + kind_of(job.kind).most_attempts,
        run_at=func.clock_timestamp(),
        lease_until=None,
        phase="queued",
        done=0,
        total=0,
        result=None,
        cancel_requested=False,
        finished_at=None,
        expires_at=None,
        **values,
    )
    ring(session, job.project_id)
    return queued


async def _change(session: AsyncSession, job: Job, **values: Any) -> Job:
    row = await session.execute(
        update(jobs)
        .where(jobs.c.project_id == job.project_id, jobs.c.job_id == job.job_id)
        .values(**values)
        .returning(*COLUMNS)
    )
    changed = job_of(row.one())
    note_changed(session, [changed])
    return changed


async def drop_results(session: AsyncSession, project_id: UUID) -> None:
    """Remove every file that jobs of a project made: a redaction must leave no copy behind.

    A job under way may have read what is redacted, so it begins anew; its worker finds its lease gone.
    """
    await session.execute(delete(job_results).where(job_results.c.project_id == project_id))
    await session.execute(
        update(jobs)
        .where(jobs.c.project_id == project_id, jobs.c.state == JobStatus.DONE)
        .values(result=None)
    )
    begun_anew = await session.execute(
        update(jobs)
        .where(jobs.c.project_id == project_id, jobs.c.state == JobStatus.RUNNING)
        .values(
            state=JobStatus.QUEUED,
            lease_until=None,
            run_at=func.clock_timestamp(),
            most_attempts=jobs.c.most_attempts + 1,
        )
        .returning(*COLUMNS)
    )
    ring(session, project_id)
    note_changed(session, [job_of(row) for row in begun_anew])
