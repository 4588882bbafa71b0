"""The queries of workers: which jobs are next, whose lease ran out, how one ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import (
    ARRAY,
    Integer,
    Interval,
    String,
    Text,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.platform.database.scope import TASK, set_local
from reqtrail.platform.jobs.changes import note_changed
from reqtrail.platform.jobs.queue import job_of
from reqtrail.platform.jobs.registry import kind_of, known_kinds, tell_ended
from reqtrail.platform.jobs.tables import job_results, jobs
from reqtrail.platform.jobs.types import Job, JobStatus, Priority

LONGEST_WAIT: Final = 600.0
"""Seconds that a job waits at most before it is tried again."""
AGED: Final = timedelta(minutes=1)
"""How long a job gives way to those of a higher priority."""

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
    ), of_each AS MATERIALIZED (
        SELECT greatest(CAST(:count AS bigint) + 4, :window / greatest(count(*), 1) + 1) AS most FROM turns
    ), ranked AS (
        SELECT own.project_id, own.job_id, own.is_long, own.is_quick, row_number() OVER (
            ORDER BY own.urgency, t.under_way + own.place, t.had_turn_at NULLS FIRST, own.run_at,
                own.job_id
        ) AS rank
        FROM turns t
        CROSS JOIN LATERAL (
            SELECT q.*, row_number() OVER (ORDER BY q.urgency, q.run_at, q.job_id) AS place
            FROM (
                SELECT first.*, CASE WHEN first.run_at < clock_timestamp() - CAST(:aged AS interval)
                    THEN 0 ELSE first.priority END AS urgency
                FROM unnest(CAST(:priorities AS integer[])) AS p (priority)
                CROSS JOIN LATERAL (
                    SELECT j.project_id, j.job_id, j.priority, j.run_at,
                        j.kind = ANY (:long) AS is_long,
                        j.kind = ANY (:quick) AND j.attempts = 0 AS is_quick
                    FROM jobs j
                    WHERE j.project_id = t.project_id AND j.state = 'queued'
                        AND j.priority = p.priority AND j.run_at <= clock_timestamp()
                        AND j.kind = ANY (:kinds)
                    ORDER BY j.run_at, j.job_id LIMIT (SELECT most FROM of_each)
                ) first
            ) q
        ) own
        ORDER BY rank LIMIT :window
    ), offered AS MATERIALIZED (
        SELECT ranked.*, row_number() OVER (PARTITION BY is_long ORDER BY rank) AS place FROM ranked
    ), chosen AS (
        SELECT j.project_id, j.job_id FROM offered o
        JOIN jobs j ON j.project_id = o.project_id AND j.job_id = o.job_id
        WHERE j.state || '' = 'queued' AND (NOT o.is_long OR o.place <= :most_long)
        ORDER BY o.rank LIMIT :count FOR UPDATE OF j SKIP LOCKED
    ), ahead AS (
        SELECT j.project_id, j.job_id FROM offered o
        JOIN jobs j ON j.project_id = o.project_id AND j.job_id = o.job_id
        WHERE j.state || '' = 'queued' AND o.is_quick
            AND NOT EXISTS (SELECT FROM chosen c WHERE c.job_id = o.job_id)
        ORDER BY o.rank LIMIT :ahead FOR UPDATE OF j SKIP LOCKED
    ), taken AS (
        SELECT * FROM chosen UNION ALL SELECT * FROM ahead
    )
    UPDATE jobs SET state = 'running', attempts = jobs.attempts + 1, renewals = 0,
        started_at = clock_timestamp(), lease_until = clock_timestamp() + :lease,
        phase = 'running', done = 0, total = 0
    FROM taken WHERE jobs.project_id = taken.project_id AND jobs.job_id = taken.job_id
    RETURNING jobs.*
    """).bindparams(
    bindparam("kinds", type_=ARRAY(Text)),
    bindparam("long", type_=ARRAY(Text)),
    bindparam("quick", type_=ARRAY(Text)),
    bindparam("priorities", type_=ARRAY(Integer)),
    bindparam("aged", type_=Interval),
)

# What somebody else looks at is left to a statement of its own: several rows that wait for each other could lock up.
_SETTLE: Final = text("""
    WITH ends AS (
        SELECT * FROM jsonb_to_recordset(CAST(:ends AS jsonb)) AS e (project_id uuid, job_id uuid,
            attempts integer, result jsonb, done bigint, total bigint, kept double precision)
    ), mine AS (
        SELECT e.* FROM ends e
        JOIN jobs j ON j.project_id = e.project_id AND j.job_id = e.job_id
        WHERE j.attempts = e.attempts AND j.state || '' = 'running'
        FOR UPDATE OF j SKIP LOCKED
    )
    UPDATE jobs SET state = 'done', lease_until = NULL, finished_at = clock_timestamp(),
        expires_at = clock_timestamp() + make_interval(secs => mine.kept), result = mine.result,
        error = NULL, phase = 'done', done = mine.done, total = mine.total
    FROM mine WHERE jobs.project_id = mine.project_id AND jobs.job_id = mine.job_id
    RETURNING jobs.job_id
    """)


async def open_claiming(session: AsyncSession) -> None:
    """Open a transaction of the task that looks after jobs.

    The conditions of the policies look selective to the planner, which therefore read and sorted all that waits in a
    project to find its first few; so it walks the index in order.
    """
    await session.execute(
        select(
            set_local(TASK, literal_column("'jobs'", String)),
            set_local("enable_bitmapscan", literal_column("'off'", String)),
        )
    )


async def claim(
    session: AsyncSession,
    lease: timedelta,
    count: int,
    *,
    most_long: int | None = None,
    aged_first: bool = False,
    ahead: int = 0,
    quick: Collection[str] = (),
) -> list[Job]:
    """Take up to *count* jobs that are due and that nobody works on; their leases must be renewed.

    Among jobs of one priority, the project with the fewest under way comes first, then the one that has not had a turn
    for longest: fifty jobs of one project do not hold up the only one of another.

    Args:
        most_long: How many at most of kinds that may take long; None is *count*.
        aged_first: Whether jobs that have waited for longer than ``AGED`` come before all others.
        ahead: How many more at most that were never tried before and are of the kinds in *quick*.
    """
    most_long = count if most_long is None else most_long
    long = [name for name in known_kinds() if kind_of(name).long]
    values = {
        "kinds": [name for name in known_kinds() if most_long > 0 or name not in long],
        "long": long,
        "most_long": most_long,
        "quick": [*quick],
        "ahead": ahead,
        "priorities": [int(one) for one in Priority],
        "aged": AGED if aged_first else None,
        "lease": lease,
        "count": count,
        # More than are asked for, as other workers may be taking the first ones at this moment.
        "window": 2 * count + 16 + ahead,
    }
    claimed = [job_of(row) for row in await session.execute(_CLAIM, values)]
    note_changed(session, claimed)
    return claimed


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


async def hold(session: AsyncSession, job: Job) -> bool | None:
    """Lock a job until the transaction ends; return what :func:`renew` returns."""
    cancelled: bool | None = await session.scalar(
        select(jobs.c.cancel_requested).where(*_mine(job)).with_for_update()
    )
    return cancelled


async def settle(session: AsyncSession, job: Job, state: JobStatus, **values: Any) -> bool:
    """End a job, and have its feature follow if that is without success; return whether it was still this worker's."""
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
    if state is not JobStatus.DONE:
        await tell_ended(session, replace(job, state=state, error=values["error"]))
    leftovers = delete(job_results).where(
        job_results.c.project_id == job.project_id, job_results.c.job_id == job.job_id
    )
    if state is JobStatus.DONE:
        leftovers = leftovers.where(job_results.c.attempt != job.attempts)
    await session.execute(leftovers)
    return True


@dataclass(frozen=True)
class End:
    """What is to be said of a job that is done."""

    job: Job
    result: Mapping[str, Any]
    done: int
    total: int


async def settle_together(session: AsyncSession, ends: Sequence[End]) -> set[UUID]:
    """Say of several first attempts that their jobs are done; return the ids of those of which that is so now."""
    rows = [
        {
            "project_id": str(end.job.project_id),
            "job_id": str(end.job.job_id),
            "attempts": end.job.attempts,
            "result": end.result,
            "done": end.done,
            "total": end.total,
            "kept": kind_of(end.job.kind).kept.total_seconds(),
        }
        for end in ends
    ]
    found = set(await session.scalars(_SETTLE, {"ends": orjson.dumps(rows).decode()}))
    note_changed(session, [end.job for end in ends if end.job.job_id in found])
    return found


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
