"""A Redis that takes connections and never answers: a few wait for it, and then nobody, until it goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from reqtrail.entrypoints.embedded.valkey import EmbeddedValkey
from reqtrail.platform.circuit import FAILURES, LONGEST_SECONDS, CircuitOpen
from reqtrail.platform.rate_limit import Limiter, RateLimited
from reqtrail.platform.redis import GuardedRedis, make_redis

pytestmark = [pytest.mark.anyio]


@pytest.fixture
def valkey() -> Iterator[EmbeddedValkey]:
    with tempfile.TemporaryDirectory(prefix="rt-") as folder:  # short, for the socket's path
        os.chmod(folder, 0o711)
        made = EmbeddedValkey(Path(folder) / "valkey")
        made.start()
        yield made
        made.stop()


@contextmanager
def standing_still(valkey: EmbeddedValkey) -> Iterator[None]:
    pid = valkey.process_pid()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def outcome(redis: GuardedRedis) -> str:
    try:
        async with redis.pipeline(transaction=False) as pipeline:
            pipeline.incr("counter")
            pipeline.get("counter")
            await pipeline.execute()
    except CircuitOpen:
        return "refused"
    except (RedisError, OSError):
        return "waited"
    return "answered"


async def answered(redis: GuardedRedis) -> None:
    async with asyncio.timeout(4 * LONGEST_SECONDS):
        while await outcome(redis) != "answered":
            await asyncio.sleep(0.05)


async def test_a_few_wait_and_then_nobody(valkey: EmbeddedValkey) -> None:
    """All clients of the process learn from the first ones; what comes while one tries does not wait either."""
    one, other = make_redis(valkey.url()), make_redis(valkey.url())
    assert await outcome(one) == "answered"
    with standing_still(valkey):
        said = [await outcome(one) for _ in range(FAILURES)]
        said += [await outcome(client) for client in (one, other) for _ in range(100)]
        # The pause is over: one of a hundred at once tries it.
        await asyncio.sleep(1)
        crowd = await asyncio.gather(*(outcome(other) for _ in range(100)))
    assert said == ["waited"] * FAILURES + ["refused"] * 200
    assert Counter(crowd) == {"refused": 99, "waited": 1}
    await answered(other)
    assert await outcome(one) == "answered"
    await one.aclose()
    await other.aclose()


async def test_limits_hold_without_waiting_and_are_shared_again(valkey: EmbeddedValkey) -> None:
    limiter, other = Limiter(valkey.url()), Limiter(valkey.url())
    redis = make_redis(valkey.url())
    await limiter.hit("sign-in", "ada", 5)
    with standing_still(valkey):
        while not redis.circuit.is_open:
            await outcome(redis)
        for _ in range(5):
            await limiter.hit("sign-in", "grace", 5)
        with pytest.raises(RateLimited):
            await limiter.hit("sign-in", "grace", 5)
    await answered(redis)
    for _ in range(4):
        await other.hit("sign-in", "ada", 5)
    with pytest.raises(RateLimited):
        await limiter.hit("sign-in", "ada", 5)
    for each in (limiter, other):
        await each.close()
    await redis.aclose()
