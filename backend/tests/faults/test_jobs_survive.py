"""Real processes: workers and schedulers that are killed lose no job and do none twice that counts."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import func, select, text, update

from reqtrail.kit.ids import new_id
from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.database.migrate import sync_url
from reqtrail.platform.database.scope import of_project
from reqtrail.platform.jobs.queue import enqueue
from reqtrail.platform.jobs.tables import jobs, schedules
from reqtrail.platform.jobs.types import INSTANCE, Job, JobKind
from reqtrail.platform.jobs.registry import register_job_kind
from reqtrail.platform.settings import Settings
from tests.faults.job_worker import KINDS
from tests.fixtures.engines import Engines
from tests.fixtures.instance import end_with_parent

pytestmark = pytest.mark.anyio

LIMIT_SECONDS = 60.0
TAKE_OVER_SECONDS = 30.0


class Site:
    """A database of its own with processes around it, and this process as the one that asks for jobs."""

    def __init__(self, url: str, redis_url: str, settings: Settings, folder: Path) -> None:
        self.url, self.redis_url, self.settings, self.folder = url, redis_url, settings, folder
        self.database = Database(make_engine(url, pool_size=3))
        self._processes: list[subprocess.Popen[bytes]] = []
        for name in KINDS:
            register_job_kind(JobKind(name, _never, most_attempts=2 if "poison" in name else 5))
        with psycopg.connect(sync_url(url).replace("+psycopg", ""), autocommit=True) as owner:
            owner.execute("CREATE TABLE IF NOT EXISTS marks (job_id uuid, pid int, at timestamptz)")
            owner.execute("GRANT SELECT, INSERT ON marks TO reqtrail_app")

    def start(self, module: str) -> subprocess.Popen[bytes]:
        """Start a process of the product, or the worker that knows the kinds of these tests."""
        secret, keys = self.settings.secret_key, self.settings.master_keys
        assert secret is not None and keys is not None
        environment = {
            **os.environ,
            "REQTRAIL_HOME": str(self.settings.home),
            "REQTRAIL_DATABASE_URL": self.url,
            "REQTRAIL_REDIS_URL": self.redis_url,
            "REQTRAIL_SECRET_KEY": secret.get_secret_value(),
            "REQTRAIL_MASTER_KEYS": keys.get_secret_value(),
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        }
        with (self.folder / f"{module}-{len(self._processes)}.log").open("wb") as log:
            started = subprocess.Popen(
                [sys.executable, "-m", module],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=end_with_parent(),
            )
        self._processes.append(started)
        return started

    async def stop(self) -> None:
        """End every process."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        await self.database.dispose()

    async def add(self, kind: str, project: UUID = INSTANCE) -> Job:
        """Queue a job."""
        async with self.database.within(of_project(project)).session() as session:
            return await enqueue(session, kind, project, None, {})

    async def get(self, job: Job) -> Any:
        """Return the row of a job."""
        async with self.database.within(of_project(job.project_id)).session() as session:
            found = await session.execute(select(jobs).where(jobs.c.job_id == job.job_id))
            return found.one()

    async def marks(self, job: Job | None = None) -> list[Any]:
        """Return which processes began a job and when, in order."""
        async with self.database.session() as session:
            rows = await session.execute(text("SELECT job_id, pid, at FROM marks ORDER BY at"))
            return [row for row in rows if job is None or row.job_id == job.job_id]


async def _never(work: object) -> None:
    raise AssertionError("this process asks for jobs and does none")


@pytest.fixture
async def site(
    engines: Engines, worker: str, redis_url: str, settings: Settings, tmp_path: Path
) -> AsyncIterator[Site]:
    name = f"job_faults_{worker}_{new_id().hex[-8:]}"
    made = Site(engines.clone(name), redis_url, settings, tmp_path)
    yield made
    await made.stop()


async def _until(
    condition: Callable[[], Coroutine[Any, Any, bool]], limit: float = LIMIT_SECONDS
) -> float:
    """Wait until *condition* holds; return how many seconds that took."""
    began = time.monotonic()
    while not await condition():
        assert time.monotonic() - began < limit, f"not within {limit} s"
        await asyncio.sleep(0.05)
    return time.monotonic() - began


def _is(site: Site, job: Job, state: str) -> Callable[[], Coroutine[Any, Any, bool]]:
    async def condition() -> bool:
        return bool((await site.get(job)).state == state)

    return condition


async def test_the_job_of_a_killed_worker_runs_again_and_counts_once(site: Site) -> None:
    """SIGKILL in the middle: another worker begins it within half a minute, and what it counts is counted once."""
    first, second = [site.start("tests.faults.job_worker") for _ in range(2)]
    job = await site.add("fault.count")

    async def begun() -> bool:
        return len(await site.marks(job)) == 1

    await _until(begun)
    (mark,) = await site.marks(job)
    victim = first if mark.pid == first.pid else second
    victim.kill()
    killed = time.monotonic()
    await _until(_is(site, job, "done"))
    began_again = [row for row in await site.marks(job) if row.pid != victim.pid]
    assert len(began_again) == 1
    assert time.monotonic() - killed < TAKE_OVER_SECONDS
    row = await site.get(job)
    assert row.attempts == 2
    async with site.database.session() as session:
        counted = await session.scalar(
            text("SELECT count(*) FROM marks WHERE job_id IS NULL AND pid <> 0")
        )
    assert counted == 1


async def test_a_job_that_kills_its_workers_is_dead_in_the_end(site: Site) -> None:
    job = await site.add("fault.poison")
    deadline = time.monotonic() + 2 * LIMIT_SECONDS
    process = site.start("tests.faults.job_worker")
    while (row := await site.get(job)).state != "dead":
        assert time.monotonic() < deadline, row
        if process.poll() is not None:
            # Nobody waits for the lease here: that it runs out is the test above.
            async with site.database.within(of_project(INSTANCE)).session() as session:
                await session.execute(
                    update(jobs)
                    .where(jobs.c.state == "running")
                    .values(lease_until=func.clock_timestamp() - timedelta(seconds=1))
                )
            process = site.start("tests.faults.job_worker")
        await asyncio.sleep(0.1)
    assert row.attempts == row.most_attempts == 2
    assert row.error["code"] == "job_worker_lost"
    after = await site.add("fault.quick")
    await _until(_is(site, after, "done"))


async def test_a_scheduler_that_is_killed_is_replaced_and_no_slot_runs_twice(site: Site) -> None:
    """Three look at once, one after the other is killed at any moment, and each slot has one job."""
    running = [site.start("tests.faults.job_scheduler") for _ in range(3)]

    async def slots() -> list[datetime]:
        async with site.database.within(of_project(INSTANCE)).session() as session:
            rows = await session.scalars(select(jobs.c.payload).where(jobs.c.kind == "fault.quick"))
            return sorted(datetime.fromisoformat(row["slot"]) for row in rows)

    site.start("tests.faults.job_worker")
    for killed in range(3):
        before = len(await slots())

        async def went_on(before: int = before) -> bool:
            return len(await slots()) >= before + 3

        await _until(went_on)
        running[killed].kill()
        running.append(site.start("tests.faults.job_scheduler"))
    found = await slots()
    assert len(found) == len(set(found)) >= 9
    assert all(later - earlier >= timedelta(seconds=1) for earlier, later in zip(found, found[1:]))
    async with site.database.session() as session:
        assert await session.scalar(select(func.count()).select_from(schedules)) == 1


async def test_fifty_jobs_of_one_project_do_not_hold_up_the_one_of_another(site: Site) -> None:
    """Each takes a quarter of a second; the one of the other project is among the next to be begun."""
    many, one = new_id(), new_id()
    of_many = [await site.add("fault.slow", many) for _ in range(50)]
    site.start("tests.faults.job_worker")
    await _until(_is(site, of_many[3], "done"))
    job = await site.add("fault.slow", one)
    waited = await _until(_is(site, job, "done"))
    left = [row for row in [await site.get(job) for job in of_many] if row.state == "queued"]
    assert len(left) > 25, "most of the others still wait"
    assert waited < LIMIT_SECONDS / 6
