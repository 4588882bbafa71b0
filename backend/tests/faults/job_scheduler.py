"""A scheduler process with a slot of a second."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.jobs.registry import register_job_kind
from reqtrail.platform.jobs.scheduling import Schedule, keep_ticking
from reqtrail.platform.jobs.types import JobKind
from reqtrail.platform.settings import get_settings


async def _elsewhere(work: object) -> None:
    raise AssertionError("workers do it")


async def serve() -> None:
    """Look until the process is killed."""
    settings = get_settings()
    assert settings.database_url is not None
    register_job_kind(JobKind("fault.quick", _elsewhere))
    database = Database(make_engine(settings.database_url, pool_size=1))
    await keep_ticking(database, [Schedule("each second", "fault.quick", timedelta(seconds=1))])


if __name__ == "__main__":
    asyncio.run(serve())
