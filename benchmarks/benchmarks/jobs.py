"""What the queue of jobs costs: the round trip of one, and two thousand small ones of ten projects."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg

from benchmarks.instance import Running
from benchmarks.job_worker import KIND, do_nothing
from benchmarks.report import Result, print_table
from reqtrail.platform.bells import Bells
from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.database.scope import of_project
from reqtrail.platform.jobs.queue import enqueue, on_queued
from reqtrail.platform.jobs.registry import register_job_kind
from reqtrail.platform.jobs.types import JobKind
from reqtrail.platform.redis import make_redis

ROUND_TRIPS = 200
SMALL_JOBS = 2000
PROJECTS = 10
LATEST_SECONDS = 120.0


class _Queue:
    """The queue of an instance, seen from a process that asks for jobs."""

    def __init__(self, found: Running, raw: asyncpg.Connection) -> None:
        self.raw = raw
        runtime = json.loads((found.home / "runtime.json").read_text())
        self.redis_url = str(runtime["redis_url"])
        self.database_url = found.database_url
        self.home = found.home
        self.database = Database(make_engine(found.database_url, pool_size=2))
        register_job_kind(JobKind(KIND, do_nothing))

    async def add(self, project: UUID, count: int) -> None:
        async with self.database.within(of_project(project)).session() as session:
            for _ in range(count):
                await enqueue(session, KIND, project, None, {})

    async def until_done(self, count: int, look_every: float = 0.01) -> None:
        deadline = time.monotonic() + LATEST_SECONDS
        ask = "SELECT count(*) FROM jobs WHERE kind = $1 AND state = 'done'"
        while await self.raw.fetchval(ask, KIND) < count:
            if time.monotonic() > deadline:
                raise TimeoutError("the jobs are not done")
            await asyncio.sleep(look_every)

    async def seconds_of_work(self) -> float:
        """Return how long it took from the first job's being begun to the last one's end."""
        ask = "SELECT extract(epoch FROM max(finished_at) - min(started_at)) FROM jobs WHERE kind = $1"
        return float(await self.raw.fetchval(ask, KIND))

    async def waits(self) -> list[float]:
        """Return how long each job took from its being queued to its end, in milliseconds; then forget them."""
        rows = await self.raw.fetch(
            "SELECT extract(epoch FROM finished_at - run_at) * 1000 AS wait FROM jobs"
            " WHERE kind = $1 AND attempts = 1 ORDER BY wait",
            KIND,
        )
        await self.raw.execute("DELETE FROM jobs WHERE kind = $1", KIND)
        return [float(row["wait"]) for row in rows]

    @contextmanager
    def worker(self, **environment: str) -> Iterator[int]:
        """Yield the process id of a worker of the measured kind; those of the instance leave it alone."""
        started = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.job_worker"],
            env={
                **os.environ,
                "REQTRAIL_HOME": str(self.home),
                "REQTRAIL_DATABASE_URL": self.database_url,
                "REQTRAIL_REDIS_URL": self.redis_url,
                **environment,
            },
            cwd=Path(__file__).resolve().parents[1],
            stdout=subprocess.DEVNULL,
        )
        try:
            yield started.pid
        finally:
            started.terminate()
            started.wait(30)


async def measure(found: Running) -> dict[str, list[Result]]:
    """Measure with a bell, and the round trip without one too."""
    raw = await asyncpg.connect(found.raw_url)
    queue = _Queue(found, raw)
    redis = make_redis(queue.redis_url)
    bells = Bells(redis)
    bells.start(listening=False)
    on_queued(queue.database, lambda project_id: bells.ring("jobs", project_id))
    try:
        with queue.worker():
            alone = await _round_trips(queue, ROUND_TRIPS)
        with queue.worker(BENCH_BELL="0"):
            unwoken = await _round_trips(queue, 20)
        queueing, seconds, busy = await _many(queue)
    finally:
        await bells.stop()
        await redis.aclose()
        await queue.database.dispose()
        await raw.close()
    results = {
        "Jobs": [
            *_spread("one job, from queued to done", alone, f"{ROUND_TRIPS} in turn"),
            *_spread("the same without Redis", unwoken, "20 in turn"),
            Result("jobs queued a second", SMALL_JOBS / queueing, unit="1/s"),
            Result("jobs done a second, one worker", SMALL_JOBS / seconds, unit="1/s"),
            Result("processor time of the worker, a job", 1000 * busy / SMALL_JOBS),
        ]
    }
    for title, lines in results.items():
        print_table(title)
        for result in lines:
            print(result.line(), result.note)
    return results


async def _round_trips(queue: _Queue, count: int) -> list[float]:
    project = uuid4()
    await queue.add(project, 1)  # not counted: the worker starts
    await queue.until_done(1)
    await queue.waits()
    for number in range(count):
        await queue.add(project, 1)
        await queue.until_done(number + 1)
    return await queue.waits()


async def _many(queue: _Queue) -> tuple[float, float, float]:
    """Return the seconds it takes to queue many small jobs, then to do them, and those of the processor for that."""
    began = time.monotonic()
    await asyncio.gather(
        *(queue.add(uuid4(), SMALL_JOBS // PROJECTS) for _ in range(PROJECTS)),
    )
    queueing = time.monotonic() - began
    with queue.worker() as pid:
        await queue.until_done(1)
        before = _processor_seconds(pid)
        await queue.until_done(SMALL_JOBS, look_every=0.1)
        busy = _processor_seconds(pid) - before
    seconds = await queue.seconds_of_work()
    await queue.waits()
    return queueing, seconds, busy


def _processor_seconds(pid: int) -> float:
    used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, used)) / os.sysconf("SC_CLK_TCK")


def _spread(work: str, waits: list[float], note: str) -> list[Result]:
    middle, late = waits[len(waits) // 2], waits[int(len(waits) * 0.95)]
    return [Result(f"{work}, p50", middle, note=note), Result(f"{work}, p95", late, note=note)]
