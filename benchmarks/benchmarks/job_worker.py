"""A worker of jobs that do nothing, as a process of its own: what is measured is the queue."""

from __future__ import annotations

import asyncio
import os

from reqtrail.platform.bells import Bells
from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.jobs.registry import register_job_kind
from reqtrail.platform.jobs.runner import Runner
from reqtrail.platform.jobs.types import JobKind
from reqtrail.platform.redis import make_redis
from reqtrail.platform.settings import get_settings

KIND = "bench.nothing"


async def do_nothing(work: object) -> None:
    """Be done."""


async def serve() -> None:
    """Work until the process ends; with ``BENCH_BELL=0`` nobody wakes it."""
    settings = get_settings()
    assert settings.database_url is not None and settings.redis_url is not None
    register_job_kind(JobKind(KIND, do_nothing))
    database = Database(make_engine(settings.database_url, pool_size=6))
    runner = Runner(database, settings)
    if os.environ.get("BENCH_BELL") != "0":
        bells = Bells(make_redis(settings.redis_url))
        bells.listen("jobs", lambda project_id: runner.wake())
        bells.on_connected(runner.wake)
        bells.start()
    await runner.run()


if __name__ == "__main__":
    asyncio.run(serve())
