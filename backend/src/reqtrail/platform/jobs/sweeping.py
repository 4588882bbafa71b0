"""What becomes of the jobs of workers that ended or stand still."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.platform.jobs.changes import note_changed
from reqtrail.platform.jobs.claiming import LONGEST_WAIT
from reqtrail.platform.jobs.queue import job_of
from reqtrail.platform.jobs.types import KEPT, Job

# A row that somebody has locked is left for the next time: to wait for it would hold up all the others.
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
    WHERE (project_id, job_id) IN (
        SELECT project_id, job_id FROM jobs
        WHERE state = 'running' AND lease_until < clock_timestamp()
        FOR UPDATE SKIP LOCKED
    )
    RETURNING jobs.*
    """)


async def sweep(session: AsyncSession) -> list[Job]:
    """Queue the jobs again whose worker ended or stands still; one whose attempts are used up is dead."""
    rows = await session.execute(_SWEEP, {"longest": LONGEST_WAIT, "kept": KEPT})
    swept = [job_of(row) for row in rows]
    note_changed(session, swept)
    return swept
