"""Wrong guesses make the next ones wait: in Redis and, while it is away, in the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from reqtrail.kit.ids import new_id
from reqtrail.platform.guessing import Delays, _key, address_prefix
from reqtrail.platform.rate_limit import RateLimited
from reqtrail.platform.redis import make_redis

pytestmark = pytest.mark.anyio

GROWTH = [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


async def _wait(delays: Delays, subject: str, free: int = 3) -> int:
    """Return the seconds that the next attempt has to wait; 0 if it was let through."""
    try:
        await delays.attempt("test", subject, free)
    except RateLimited as error:
        return error.retry_after
    return 0


@pytest.fixture(params=["redis", "process", "away"])
async def delays(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Delays]:
    """Delays that count in Redis, in the process, and in the process because Redis is away."""
    url = {"redis": redis_url, "process": None, "away": "redis://127.0.0.1:1/0"}[request.param]
    made = Delays(url)
    yield made
    await made.close()


async def test_the_first_are_free_then_one_waits(delays: Delays) -> None:
    subject = str(new_id())
    assert [await _wait(delays, subject) for _ in range(3)] == [0, 0, 0]
    waits = [await _wait(delays, subject) for _ in range(20)]
    assert all(1 <= wait <= 5 for wait in waits)  # refused ones make it no longer
    assert await _wait(delays, str(new_id())) == 0


async def test_what_is_forgiven_is_forgotten(delays: Delays) -> None:
    subject = str(new_id())
    for _ in range(4):
        await _wait(delays, subject)
    await delays.clear("test", subject)
    assert [await _wait(delays, subject) for _ in range(3)] == [0, 0, 0]


async def test_refunds_let_many_succeed(delays: Delays) -> None:
    subject = str(new_id())
    for _ in range(20):
        assert await _wait(delays, subject) == 0
        await delays.refund("test", subject)
    assert [await _wait(delays, subject) for _ in range(4)][:3] == [0, 0, 0]


async def test_attempts_at_once_do_not_slip_through(delays: Delays) -> None:
    subject = str(new_id())
    waits = await asyncio.gather(*(_wait(delays, subject) for _ in range(40)))
    assert sum(wait == 0 for wait in waits) == 3


async def test_the_wait_doubles_up_to_a_quarter_of_an_hour_in_the_process() -> None:
    clock = Clock()
    delays = Delays(None, clock)
    for _ in range(2):
        assert await _wait(delays, "x") == 0
    for seconds in GROWTH:
        assert await _wait(delays, "x") == 0
        assert await _wait(delays, "x") == seconds
        clock.seconds += seconds
    clock.seconds += 3600
    assert [await _wait(delays, "x") for _ in range(3)] == [0, 0, 0]


async def test_the_wait_doubles_up_to_a_quarter_of_an_hour_in_redis(redis_url: str) -> None:
    delays, redis, subject = Delays(redis_url), make_redis(redis_url), str(new_id())
    for _ in range(2):
        assert await _wait(delays, subject) == 0
    for seconds in GROWTH:
        assert await _wait(delays, subject) == 0
        assert seconds - 3 <= await _wait(delays, subject) <= seconds
        assert await redis.delete(f"{_key('test', subject)}:wait") == 1  # the wait is over
    assert 3500 < await redis.ttl(f"{_key('test', subject)}:count") <= 3600
    assert subject not in _key("test", subject)  # no names of people in keys
    await delays.clear("test", subject)
    await delays.close()
    await redis.aclose()


async def test_the_process_remembers_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reqtrail.platform.guessing.MAX_LOCAL", 100)
    delays = Delays(None)
    for number in range(300):
        await _wait(delays, str(number), free=1)
    assert len(delays._local) <= 100
    assert await _wait(delays, "299", free=1) > 0 and await _wait(delays, "0", free=1) == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_networks(address: str, network: str) -> None:
    assert address_prefix(address) == network
