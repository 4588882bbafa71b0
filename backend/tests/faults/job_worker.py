"""A worker process that does the kinds of jobs which the tests of faults need, and nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import text

from reqtrail.platform.bells import Bells
from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.jobs.registry import register_job_kind
from reqtrail.platform.jobs.runner import Runner
from reqtrail.platform.jobs.types import JobKind
from reqtrail.platform.jobs.work import Work
from reqtrail.platform.redis import make_redis
from reqtrail.platform.settings import get_settings

KINDS: Final = ("fault.count", "fault.poison", "fault.quick", "fault.slow")
_MARK: Final = text("INSERT INTO marks VALUES (:job, :pid, clock_timestamp())")


async def _begin(work: Work) -> None:
    async with work.own.session() as session:
        await session.execute(_MARK, {"job": work.job.job_id, "pid": os.getpid()})


async def _count(work: Work) -> Mapping[str, Any] | None:
    """Begin, take two seconds, and count within the transaction that ends the job."""
    await _begin(work)
    await asyncio.sleep(2.0)
    async with work.own.session() as session:
        await session.execute(_MARK, {"job": None, "pid": os.getpid()})
        await work.complete(session, {"pid": os.getpid()})
    return None


async def _poison(work: Work) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def _quick(work: Work) -> None:
    await _begin(work)


async def _slow(work: Work) -> None:
    await asyncio.sleep(0.25)


async def serve() -> None:
    """Work until the process is killed."""
    settings = get_settings()
    assert settings.database_url is not None and settings.redis_url is not None
    for name, run in zip(KINDS, (_count, _poison, _quick, _slow), strict=True):
        register_job_kind(JobKind(name, run, most_attempts=2 if run is _poison else 5))
    database = Database(make_engine(settings.database_url, pool_size=6))
    runner, bells = Runner(database, settings), Bells(make_redis(settings.redis_url))
    bells.listen("jobs", lambda project_id: runner.wake())
    bells.on_connected(runner.wake)
    bells.start()
    await runner.run()


if __name__ == "__main__":
    asyncio.run(serve())
