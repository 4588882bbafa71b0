"""The scheduler: ``python -m reqtrail.entrypoints.scheduler`` queues what is due again and again; workers do it.

Run one, or several so that one may fail: each slot of a schedule is queued once, whoever is killed in between.
"""

from __future__ import annotations

import asyncio
import signal

import structlog

from reqtrail.bootstrap.housekeeping import SCHEDULES
from reqtrail.bootstrap.wiring import register_all
from reqtrail.entrypoints.metrics import start_metrics
from reqtrail.platform.background import end_task
from reqtrail.platform.bells import Bells
from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.jobs.changes import ring_changes
from reqtrail.platform.jobs.queue import on_queued
from reqtrail.platform.jobs.scheduling import keep_ticking
from reqtrail.platform.logging import configure_logging
from reqtrail.platform.redis import make_redis
from reqtrail.platform.settings import Settings, get_settings

logger = structlog.get_logger()


async def serve(settings: Settings) -> None:
    """Look until SIGINT or SIGTERM.

    Raises:
        ValueError: If the settings name no database.
    """
    if settings.database_url is None:
        raise ValueError(
            "REQTRAIL_DATABASE_URL is not set; `reqtrail up` starts a scheduler of its own"
        )
    register_all()
    database = Database(
        make_engine(settings.database_url, role=settings.database_role, pool_size=1)
    )
    redis = make_redis(settings.redis_url) if settings.redis_url else None
    bells = Bells(redis)
    bells.start(listening=False)
    on_queued(database, lambda project_id: bells.ring("jobs", project_id))
    ring_changes(database, bells)
    ticking = asyncio.create_task(keep_ticking(database, SCHEDULES), name="scheduler")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ticking.cancel)
    logger.info("scheduler_started", schedules=[schedule.name for schedule in SCHEDULES])
    try:
        await asyncio.wait([ticking])
        if not ticking.cancelled() and (error := ticking.exception()) is not None:
            raise error
    finally:
        await end_task(ticking)
        await bells.stop()
        await database.dispose()
        if redis is not None:
            await redis.aclose()
    logger.info("scheduler_stopped")


def main() -> None:
    """Run a scheduler with the settings of the environment."""
    settings = get_settings()
    configure_logging(settings.log_format, settings.log_level)
    start_metrics(settings)
    asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
