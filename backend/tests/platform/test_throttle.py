"""The limits of the hot path: a sliding minute, several processes that add up, and Redis that may be away."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from reqtrail.kit.ids import new_id
from reqtrail.platform.rate_limit import RateLimited
from reqtrail.platform.redis import make_redis
from reqtrail.platform.throttle import Throttle, Verdict, headers_of

pytestmark = pytest.mark.anyio


class Watch:
    """A clock that stands until it is moved."""

    def __init__(self, at: float = 6_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def ask(throttle: Throttle, times: int, limit: int, subject: str = "s") -> list[int]:
    """Ask so many times; return 0 for what was let in and the seconds to wait for what was refused."""
    answers = []
    for _ in range(times):
        try:
            throttle.count("test", subject, limit, [])
            answers.append(0)
        except RateLimited as error:
            answers.append(error.retry_after)
    return answers


def test_a_limit_lets_in_what_it_says_and_no_more() -> None:
    throttle = Throttle(None, Watch())
    answers = ask(throttle, 12, 10)
    assert answers[:10] == [0] * 10 and all(seconds > 60 for seconds in answers[10:])
    assert ask(throttle, 1, 10, "another") == [0]
    assert ask(throttle, 50, 0, "unlimited") == [0] * 50


@pytest.mark.parametrize("used", [1, 3, 10])
@pytest.mark.parametrize("at", [0.0, 1.5, 30.0, 59.0])
def test_who_waits_as_told_is_let_in_and_not_much_before(used: int, at: float) -> None:
    watch = Watch(6_000_000.0 + at)
    throttle = Throttle(None, watch)
    waits = ask(throttle, used + 1, used)
    wait = waits[-1]
    watch.at += wait - 2
    assert ask(throttle, 1, used) != [0]
    watch.at += 2
    assert ask(throttle, 1, used) == [0]


def test_the_last_minute_fades() -> None:
    watch = Watch()
    throttle = Throttle(None, watch)
    ask(throttle, 10, 10)
    watch.at += 90
    assert [seconds > 0 for seconds in ask(throttle, 6, 10)] == [False] * 5 + [True]
    watch.at += 3600
    assert ask(throttle, 10, 10) == [0] * 10


def test_a_clock_that_steps_back_locks_nobody_out() -> None:
    watch = Watch()
    throttle = Throttle(None, watch)
    ask(throttle, 10, 10)
    watch.at -= 300
    assert ask(throttle, 10, 10) == [0] * 10


def test_verdicts_become_the_standard_headers() -> None:
    seen: list[Verdict] = []
    throttle = Throttle(None, Watch(6_000_010.0))
    throttle.count("address", "s", 100, seen)
    throttle.count("account-reads", "s", 7, seen)
    assert headers_of(seen) == {
        "RateLimit-Policy": '"address";q=100;w=60, "account-reads";q=7;w=60',
        "RateLimit": '"address";r=99;t=51, "account-reads";r=6;t=51',
    }


def test_silent_subjects_are_forgotten() -> None:
    watch = Watch()
    throttle = Throttle(None, watch)
    ask(throttle, 1, 5, "old")
    watch.at += 60
    ask(throttle, 1, 5, "new")
    watch.at += 60
    throttle.forget()
    assert throttle.remembered() == ["test:new"]


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """The Valkey of this test run."""
    client = make_redis(redis_url)
    yield client
    await client.aclose()


async def test_processes_count_together(redis: Redis) -> None:
    watch, subject = Watch(), str(new_id())
    one, two = Throttle(redis, watch), Throttle(redis, watch)
    assert ask(one, 6, 10, subject) == [0] * 6
    assert ask(two, 1, 10, subject) == [0]
    await one.settle()
    await two.settle()
    assert [seconds > 0 for seconds in ask(two, 4, 10, subject)] == [False] * 3 + [True]
    await two.settle()
    # The first learns of it with its next settlement; what it lets in until then is counted all the same.
    assert ask(one, 1, 10, subject) == [0]
    await one.settle()
    assert ask(one, 1, 10, subject) != [0]


async def test_a_process_that_starts_later_learns_the_last_minute(redis: Redis) -> None:
    watch, subject = Watch(), str(new_id())
    one, two = Throttle(redis, watch), Throttle(redis, watch)
    ask(one, 10, 10, subject)
    await one.settle()
    watch.at += 61
    assert ask(two, 1, 10, subject) == [0]
    await two.settle()
    assert ask(two, 1, 10, subject) != [0]


async def test_without_redis_counts_wait_until_it_is_back(redis: Redis) -> None:
    watch, subject = Watch(), str(new_id())
    away = make_redis("redis://127.0.0.1:1/0")
    throttle = Throttle(away, watch)
    assert ask(throttle, 3, 5, subject) == [0] * 3
    with pytest.raises((RedisError, OSError)):
        await throttle.settle()
    await away.aclose()
    throttle.redis = redis
    await throttle.settle()
    other = Throttle(redis, watch)
    ask(other, 1, 5, subject)
    await other.settle()
    assert [seconds > 0 for seconds in ask(other, 2, 5, subject)] == [False, True]
