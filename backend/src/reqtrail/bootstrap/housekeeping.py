"""What the instance does for itself again and again: schedules, and the jobs that they queue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import structlog

from reqtrail.features.exchange.public import drop_abandoned
from reqtrail.features.identity.public import forget_challenges, forget_expired
from reqtrail.platform.database.engine import make_engine
from reqtrail.platform.database.partitions import ensure_partitions
from reqtrail.platform.database.scope import of_task
from reqtrail.platform.jobs.claiming import forget_expired as forget_jobs
from reqtrail.platform.jobs.scheduling import Schedule
from reqtrail.platform.jobs.types import JobKind, Priority
from reqtrail.platform.jobs.work import Work
from reqtrail.platform.mail.outbox import forget_old
from reqtrail.platform.settings import Settings

logger = structlog.get_logger()

_TOGETHER: Final = 200
_MOST_ROUNDS: Final = 500


async def make_partitions(settings: Settings) -> list[str]:
    """Make the partitions that are missing, as the owner of the tables, which the application is not."""
    assert settings.owner_url is not None
    owner = make_engine(settings.owner_url, role=None, pool_size=1)
    try:
        async with owner.begin() as connection:
            made = await ensure_partitions(connection)
    finally:
        await owner.dispose()
    if made:
        logger.info("partitions_made", names=made)
    return made


async def _make_partitions(work: Work) -> Mapping[str, Any]:
    return {"made": await make_partitions(work.settings)}


async def _clean_up(work: Work) -> Mapping[str, Any]:
    """Forget what has expired: jobs with their files, keys of idempotent requests, challenges, mails, dry runs."""
    claiming, jobs = work.database.within(of_task("jobs")), 0
    for _ in range(_MOST_ROUNDS):
        async with claiming.session() as session:
            count = await forget_jobs(session, _TOGETHER)
        jobs += count
        work.advance(count)
        if count < _TOGETHER:
            break
    async with work.database.session() as session:
        await forget_expired(session)
        await forget_challenges(session)
        await forget_old(session)
    return {"jobs": jobs, "dry_runs": await drop_abandoned(work.database)}


PARTITIONS: Final = JobKind("instance.partitions", _make_partitions, kept=timedelta(days=30))
CLEANUP: Final = JobKind("instance.cleanup", _clean_up, priority=Priority.LOW)

SCHEDULES: Final = (
    Schedule("partitions", PARTITIONS.name, timedelta(hours=12)),
    Schedule("cleanup", CLEANUP.name, timedelta(hours=1)),
    Schedule("verification", "versioning.verify-recent", timedelta(days=1)),
)
"""What is due again and again; slots begin at whole multiples since 1970, in UTC."""
