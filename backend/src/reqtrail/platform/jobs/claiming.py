"""The queries of workers: which jobs are next, whose lease ran out, how one ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ARRAY, Text, bindparam, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.platform.jobs.changes import note_changed
from reqtrail.platform.jobs.queue import job_of
from reqtrail.platform.jobs.registry import kind_of, known_kinds
from reqtrail.platform.jobs.tables import job_results, jobs
from reqtrail.platform.jobs.types import KEPT, Job, JobStatus

LONGEST_WAIT: Final = 600.0
"""Seconds that a job waits at most before it is tried again."""

# States stand in the statement, not among its values: only so may a plan use the partial indexes. Where the jobs are
# locked it is not to: the few that are offered are found by their keys.
_CLAIM: Final = text("""
    WITH RECURSIVE projects_waiting (project_id) AS (
        (SELECT project_id FROM jobs WHERE state = 'queued' ORDER BY project_id LIMIT 1)
        UNION ALL
        SELECT (
            SELECT j.project_id FROM jobs j
            WHERE j.state = 'queued' AND j.project_id > w.project_id
            ORDER BY j.project_id LIMIT 1
        ) FROM projects_waiting w WHERE w.project_id IS NOT NULL
    ), under_way AS (
        SELECT project_id, count(*) AS count FROM jobs WHERE state = 'running' GROUP BY project_id
    ), turns AS MATERIALIZED (
        SELECT w.project_id, coalesce(u.count, 0) AS under_way, (
            SELECT j.started_at FROM jobs j
            WHERE j.project_id = w.project_id AND j.started_at IS NOT NULL
            ORDER BY j.started_at DESC LIMIT 1
        ) AS had_turn_at
        FROM projects_waiting w LEFT JOIN under_way u ON u.project_id = w.project_id
        WHERE w.project_id IS NOT NULL
    ), offered AS MATERIALIZED (
        SELECT own.project_id, own.job_id, row_number() OVER (
            ORDER BY own.priority, t.under_way + own.place, t.had_turn_at NULLS FIRST, own.run_at,
                own.job_id
        ) AS rank
        FROM turns t
        CROSS JOIN LATERAL (
            SELECT q.*, row_number() OVER (ORDER BY q.priority, q.run_at, q.job_id) AS place
            FROM (
                SELECT j.project_id, j.job_id, j.priority, j.run_at FROM jobs j
                WHERE j.project_id = t.project_id AND j.state = 'queued'
                    AND j.run_at <= clock_timestamp() AND j.kind = ANY (:kinds)
                ORDER BY j.priority, j.run_at, j.job_id LIMIT :window
            ) q
        ) own
        ORDER BY rank LIMIT :window
    ), chosen AS (
        SELECT j.project_id, j.job_id FROM offered o
        JOIN jobs j ON j.project_id = o.project_id AND j.job_id = o.job_id
        WHERE j.state || '' = 'queued'
        ORDER BY o.rank LIMIT :count FOR UPDATE OF j SKIP LOCKED
    )
    UPDATE jobs SET state = 'running', attempts = jobs.attempts + 1, renewals = 0,
        started_at = clock_timestamp(), lease_until = clock_timestamp() + :lease,
        phase = 'running', done = 0, total = 0
    FROM chosen WHERE jobs.project_id = chosen.project_id AND jobs.job_id = chosen.job_id
    RETURNING jobs.*
    """).bindparams(bindparam("kinds", type_=ARRAY(Text)))

_SWEEP: Final = text("""
    UPDATE jobs SET
        state = CASE WHEN cancel_requested THEN 'cancelled'
            WHEN attempts >= most_attempts THEN 'dead' ELSE 'queued' END,
        run_at = clock_timestamp()
            + random() * least(power(2, attempts - 1), :longest) * interval '1 second',
        finished_at = CASE WHEN cancel_requested OR attempts >= most_attempts
            THEN clock_timestamp() END,
        expires_at = CASE WHEN cancel_requested OR attempts >= most_attempts
            THEN clock_timestamp() + :kept END,
        error = jsonb_build_object('code', 'job_worker_lost', 'detail',
            'The process that worked on the job ended or stood still.'),
        lease_until = NULL, phase = 'queued'
    WHERE state = 'running' AND lease_until < clock_timestamp()
    RETURNING jobs.*
    """)


async def claim(session: AsyncSession, lease: timedelta, count: int) -> list[Job]:
    """Take up to *count* jobs that are due and that nobody works on; their leases must be renewed.

    Among jobs of one priority, the project with the fewest under way comes first, then the one that has not had a turn
    for longest: fifty jobs of one project do not hold up the only one of another.
    """
    values = {
        "kinds": list(known_kinds()),
        "lease": lease,
        "count": count,
        # More than are asked for, as other workers may be taking the first ones at this moment.
        "window": 2 * count + 16,
    }
    claimed = [job_of(row) for row in await session.execute(_CLAIM, values)]
    note_changed(session, claimed)
    return claimed


async def sweep(session: AsyncSession) -> list[Job]:
    """Queue the jobs again whose worker ended or stands still; one whose attempts are used up is dead."""
    rows = await session.execute(_SWEEP, {"longest": LONGEST_WAIT, "kept": KEPT})
    swept = [job_of(row) for row in rows]
    note_changed(session, swept)
    return swept


def _mine(job: Job) -> list[Any]:
    # The number of attempts fences off whoever lost the lease without noticing.
    return [
        jobs.c.project_id == job.project_id,
        jobs.c.job_id == job.job_id,
        jobs.c.attempts == job.attempts,
        jobs.c.state == JobStatus.RUNNING,
    ]


async def renew(
    session: AsyncSession, job: Job, lease: timedelta, phase: str, done: int, total: int
) -> bool | None:
    """Extend the lease and tell how far the job is.

    Returns:
        Whether its cancellation was asked for; None if the lease ran out and the job is no longer this worker's.
    """
    cancelled: bool | None = await session.scalar(
        update(jobs)
        .where(*_mine(job))
        .values(
            lease_until=func.clock_timestamp() + lease,
            renewals=jobs.c.renewals + 1,
            phase=phase,
            done=done,
            total=total,
        )
        .returning(jobs.c.cancel_requested)
    )
    return cancelled


async def settle(session: AsyncSession, job: Job, state: JobStatus, **values: Any) -> bool:
    """End a job; return whether it was still this worker's."""
    found = await session.scalar(
        update(jobs)
        .where(*_mine(job))
        .values(
            state=state,
            lease_until=None,
            finished_at=func.clock_timestamp(),
            expires_at=func.clock_timestamp() + kind_of(job.kind).kept,
            **values,
        )
        .returning(jobs.c.attempts)
    )
    if found is None:
        return False
    note_changed(session, [job])
    if state is JobStatus.DONE and job.attempts == 1:
        return True
    leftovers = delete(job_results).where(
        job_results.c.project_id == job.project_id, job_results.c.job_id == job.job_id
    )
    if state is JobStatus.DONE:
        leftovers = leftovers.where(job_results.c.attempt != job.attempts)
    await session.execute(leftovers)
    return True


async def put_back(
    session: AsyncSession,
    job: Job,
    wait: timedelta,
    error: Mapping[str, Any] | None,
    *,
    spared: bool = False,
) -> bool:
    """Queue a job for another attempt after *wait*; return whether it was still this worker's.

    Args:
        spared: Whether the attempt that ends is not to be held against the job.
    """
    found = await session.scalar(
        update(jobs)
        .where(*_mine(job))
        .values(
            state=JobStatus.QUEUED,
            lease_until=None,
            run_at=func.clock_timestamp() + wait,
            error=error,
            phase="queued",
            most_attempts=jobs.c.most_attempts + int(spared),
        )
        .returning(jobs.c.attempts)
    )
    if found is not None:
        note_changed(session, [job])
    return found is not None


async def store_piece(session: AsyncSession, job: Job, ordinal: int, data: bytes) -> None:
    """Keep a piece of the file that a job makes."""
    await session.execute(
        insert(job_results).values(
            project_id=job.project_id,
            job_id=job.job_id,
            attempt=job.attempts,
            ordinal=ordinal,
            data=data,
        )
    )


async def read_piece(session: AsyncSession, job: Job, ordinal: int) -> bytes | None:
    """Return a piece of the file that a job made; None after the last."""
    data: bytes | None = await session.scalar(
        select(job_results.c.data).where(
            job_results.c.project_id == job.project_id,
            job_results.c.job_id == job.job_id,
            job_results.c.attempt == job.attempts,
            job_results.c.ordinal == ordinal,
        )
    )
    return data


async def forget_expired(session: AsyncSession, limit: int) -> int:
    """Delete up to *limit* jobs whose time is over, with their results; return how many."""
    expired = (
        select(jobs.c.project_id, jobs.c.job_id)
        .where(jobs.c.expires_at < func.clock_timestamp())
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = (await session.execute(expired)).all()
    for row in found:
        for table in (job_results, jobs):
            await session.execute(
                delete(table).where(
                    table.c.project_id == row.project_id, table.c.job_id == row.job_id
                )
            )
    return len(found)


async def waiting(session: AsyncSession) -> dict[str, tuple[int, float]]:
    """Return of each kind how many jobs are due, and for how many seconds the oldest has been."""
    age = func.extract("epoch", func.clock_timestamp() - func.min(jobs.c.run_at))
    rows = await session.execute(
        select(jobs.c.kind, func.count(), age)
        .where(jobs.c.state == JobStatus.QUEUED, jobs.c.run_at <= func.clock_timestamp())
        .group_by(jobs.c.kind)
    )
    return {row[0]: (int(row[1]), float(row[2])) for row in rows}
