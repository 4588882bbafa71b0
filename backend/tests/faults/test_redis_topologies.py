"""A cluster and Sentinels: the same functions as with one server, and life after a primary is killed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from reqtrail.kit.ids import new_id
from reqtrail.platform.bells import Bells
from reqtrail.platform.database.access import Subject
from reqtrail.platform.database.access_marks import LEASE_SECONDS, AccessMarks
from reqtrail.platform.guessing import Delays
from reqtrail.platform.rate_limit import Limiter, RateLimited
from reqtrail.platform.redis import make_redis
from reqtrail.platform.shared_cache import SharedCache
from tests.fixtures.redis_topologies import TOPOLOGIES, Servers, primaries

pytestmark = [pytest.mark.anyio, pytest.mark.long]

SAME_TESTS = (
    "tests/platform/test_throttle.py",
    "tests/platform/test_guessing.py",
    "tests/platform/test_shared_cache.py",
    "tests/features/requirements/test_shared_outlines.py",
    "tests/features/collaboration",
    "tests/features/identity/test_sessions.py",
)
BACKEND = Path(__file__).parents[2]
RECOVERY_SECONDS = 30.0


@pytest.fixture(params=sorted(TOPOLOGIES))
def servers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Servers]:
    """A cluster, and Sentinels with what they watch."""
    with TOPOLOGIES[request.param](tmp_path) as found:
        yield found


def test_everything_works_as_with_one_server(servers: Servers) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-m", "not long", *SAME_TESTS],
        cwd=BACKEND,
        env={**os.environ, "REQTRAIL_TEST_REDIS_URL": servers.url},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout and "skipped" not in done.stdout.splitlines()[-1]


async def test_when_a_primary_dies_another_takes_its_place(servers: Servers) -> None:
    """Meanwhile nothing fails that a request could see, and afterwards processes hear and count together again."""
    redis, other = make_redis(servers.url), make_redis(servers.url)
    project, cache = new_id(), SharedCache(redis)
    hearing, ringing, heard = Bells(other), Bells(redis), asyncio.Event()
    hearing.listen("commits", lambda rung: heard.set() if rung == project else None)
    hearing.start()
    ringing.start(listening=False)
    limiters = [Limiter(servers.url), Limiter(servers.url)]
    delays = Delays(servers.url)
    try:
        await cache.put(project, {("texts", "a"): b"1"})
        assert await cache.get(project, "texts", "a") == b"1"
        for port in primaries(servers)[:1]:
            servers.kill(port)
        for _ in range(20):  # while it is away
            await cache.get(project, "texts", "a")
            await limiters[0].hit("test", str(new_id()), 10)
            await delays.attempt("test", str(new_id()), 10)
            ringing.ring("commits", project)
        await _recovered(cache)
        heard.clear()
        await _heard_again(ringing, project, heard)
        await _counted_together(limiters)
    finally:
        await ringing.stop()
        await hearing.stop()
        for limiter in limiters:
            await limiter.close()
        await delays.close()
        await redis.aclose()
        await other.aclose()


async def test_marks_of_changed_access_and_a_primary_that_dies(servers: Servers) -> None:
    """Marks may be lost with it, which shows by another lease: what the primary has from then on is asked for."""
    one, other = (
        AccessMarks(make_redis(servers.url, circuit=f"access-{number}"), life=60)
        for number in range(2)
    )
    somebody: list[Subject] = [("account", "a"), ("session", "b")]
    await one.renew()
    assert await other.announce(somebody)
    assert await one.needed(somebody, lambda since: 1) is None
    assert await other.leave(somebody, 0x99, announced=True)
    assert await one.needed(somebody, lambda since: 1) == 0x99
    killed_at = time.monotonic()
    for port in primaries(servers):
        servers.kill(port)
        break
    await asyncio.sleep(LEASE_SECONDS + 1)
    async with asyncio.timeout(RECOVERY_SECONDS):
        while await one.needed(somebody, lambda since: 1) is None:
            await one.renew()
            await asyncio.sleep(0.2)
    assert await one.leave(somebody, 0x9A)
    assert await other.needed(somebody, lambda since: 1) == 0x9A
    if len(primaries(servers)) == 1:  # the one that died had the lease
        assert await one.needed(somebody, lambda since: 1 if since < killed_at else None) is None
    for marks in (one, other):
        await marks.close()


async def _recovered(cache: SharedCache) -> None:
    """Wait until entries of many projects, so of all servers, are kept again."""
    async with asyncio.timeout(RECOVERY_SECONDS):
        while True:
            projects = [new_id() for _ in range(12)]
            for project in projects:
                await cache.put(project, {("texts", "a"): b"1"})
            found = [await cache.get(project, "texts", "a") for project in projects]
            if found == [b"1"] * len(projects):
                return
            await asyncio.sleep(0.2)


async def _heard_again(ringing: Bells, project: UUID, heard: asyncio.Event) -> None:
    async with asyncio.timeout(RECOVERY_SECONDS):
        while not heard.is_set():
            ringing.ring("commits", project)
            await asyncio.sleep(0.2)


async def _counted_together(limiters: list[Limiter]) -> None:
    """Two processes count one subject together again, wherever its key is kept."""
    for _ in range(8):
        subject = str(new_id())
        for number in range(6):
            await limiters[number % 2].hit("test", subject, 6)
        for limiter in limiters:
            with pytest.raises(RateLimited):
                await limiter.hit("test", subject, 6)
