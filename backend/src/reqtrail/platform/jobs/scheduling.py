"""What is due again and again: rows that say when, each moved on in the transaction that queues the job of its slot.

Any number of processes may look. There is no leader: a process that is killed in the middle leaves the row where it
was, and the next one that looks takes the slot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.platform.database.engine import Database
from reqtrail.platform.database.scope import of_project
from reqtrail.platform.jobs.queue import enqueue
from reqtrail.platform.jobs.tables import jobs, schedules
from reqtrail.platform.jobs.types import INSTANCE, JobStatus

logger = structlog.get_logger()

TICK_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 2.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Schedule:
    """A job of the instance that is queued once in each slot of time.

    Attributes:
        kind: The kind of the job, which gets the beginning of its slot as ``slot``.
        every: How long a slot is; slots begin at whole multiples since 1970.
    """

    name: str
    kind: str
    every: timedelta

    def slot_of(self, moment: datetime) -> datetime:
        """Return the beginning of the slot of *moment*."""
        return moment - (moment - _EPOCH) % self.every


async def tick(database: Database, known: Sequence[Schedule]) -> list[str]:
    """Queue the jobs of the schedules that are due; return the names of those.

    Slots that nobody was there for are made up for by one job. A schedule whose last job has not ended is passed over:
    its jobs must not pile up while no worker runs.
    """
    instance = database.within(of_project(INSTANCE))
    by_name = {schedule.name: schedule for schedule in known}
    async with instance.session() as session:
        due = await session.scalars(
            select(schedules.c.name).where(
                schedules.c.name.in_(by_name), schedules.c.next_at <= func.clock_timestamp()
            )
        )
        names = sorted(due)
    queued = []
    for name in names:
        async with instance.session() as session:
            if await _take(session, by_name[name]):
                queued.append(name)
    return queued


async def _take(session: AsyncSession, schedule: Schedule) -> bool:
    """Take the slot of *schedule* that is due, unless another process has; return whether a job was queued."""
    found = await session.execute(
        select(schedules.c.last_job_id, func.clock_timestamp().label("now"))
        .where(schedules.c.name == schedule.name, schedules.c.next_at <= func.clock_timestamp())
        .with_for_update(skip_locked=True)
    )
    row = found.one_or_none()
    if row is None:
        return False
    slot, moved = schedule.slot_of(row.now), {}
    last = await session.scalar(
        select(jobs.c.state).where(jobs.c.project_id == INSTANCE, jobs.c.job_id == row.last_job_id)
    )
    if last in (JobStatus.QUEUED, JobStatus.RUNNING):
        logger.warning("schedule_passed_over", schedule=schedule.name, job=str(row.last_job_id))
    else:
        job = await enqueue(session, schedule.kind, INSTANCE, None, {"slot": slot.isoformat()})
        moved = {"last_at": slot, "last_job_id": job.job_id}
    await session.execute(
        update(schedules)
        .where(schedules.c.name == schedule.name)
        .values(next_at=slot + schedule.every, **moved)
    )
    return bool(moved)


async def overdue_seconds(session: AsyncSession) -> float:
    """Return for how long the schedule that has been due longest has been."""
    late = func.extract("epoch", func.clock_timestamp() - func.min(schedules.c.next_at))
    return max(0.0, float(await session.scalar(select(late)) or 0.0))


async def enrol(database: Database, known: Sequence[Schedule]) -> None:
    """Keep a row of each schedule: new ones are due at once, and those that are no more are forgotten.

    A slot that is longer now, or shorter, begins with the next one.
    """
    async with database.session() as session:
        for schedule in known:
            await session.execute(
                insert(schedules)
                .values(name=schedule.name, next_at=func.clock_timestamp())
                .on_conflict_do_nothing()
            )
        names = [schedule.name for schedule in known]
        await session.execute(delete(schedules).where(schedules.c.name.not_in(names)))


async def keep_ticking(database: Database, known: Sequence[Schedule]) -> None:
    """Look every second until cancelled."""
    enrolled = False
    while True:
        try:
            if not enrolled:
                await enrol(database, known)
                enrolled = True
            for name in await tick(database, known):
                logger.info("schedule_queued", schedule=name)
            await asyncio.sleep(TICK_SECONDS)
        except (SQLAlchemyError, OSError) as error:
            logger.warning("scheduler_waits_for_database", error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
