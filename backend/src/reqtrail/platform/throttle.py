"""Limits of requests a minute, counted in this process and settled with the others through Redis once a second.

The hot path asks nobody: a request costs a few microseconds here and no round trip. In return several processes may
together let through what arrives within one second after a limit is used up (docs/decisions/0049).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from reqtrail.kit import clock
from reqtrail.platform.background import end_task, keep_running
from reqtrail.platform.rate_limit import RateLimited

logger = structlog.get_logger()

WINDOW: Final = 60
SETTLE_SECONDS: Final = 1.0
MAX_WINDOWS: Final = 100_000
"""How many subjects are remembered; beyond it those that came first are forgotten."""
BATCH: Final = 1000

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def expensive(cost: str) -> Callable[[Endpoint], Endpoint]:
    """Give a route a limit of its own. Decorates its function: ``rate_<cost>`` is the setting."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__cost__ = cost  # type: ignore[attr-defined]
        return endpoint

    return mark


def cost_of(endpoint: object) -> str | None:
    """Return what ``expensive`` said about a route's function."""
    return getattr(endpoint, "__cost__", None)


class Verdict(NamedTuple):
    """What was left of one limit after a request was counted, or refused."""

    name: str
    limit: int
    left: int
    reset: int
    """Seconds until there is room again."""

    def policy(self) -> str:
        """Return the item of the ``RateLimit-Policy`` header."""
        return f'"{self.name}";q={self.limit};w={WINDOW}'

    def state(self) -> str:
        """Return the item of the ``RateLimit`` header."""
        return f'"{self.name}";r={self.left};t={self.reset}'


class _Window:
    """How often one subject asked in this minute and the one before; ``pending`` is not settled yet."""

    __slots__ = ("number", "pending", "previous", "settled")

    def __init__(self, number: int) -> None:
        self.number = number
        self.previous = 0
        self.settled = 0
        self.pending = 0

    def turn(self, number: int) -> None:
        """Move on to the minute *number*."""
        if number != self.number:
            self.previous = self.settled + self.pending if number == self.number + 1 else 0
            self.settled = self.pending = 0
            self.number = number


def _now() -> float:
    return clock.now().timestamp()


class Throttle:
    """Counts requests by a sliding window: the last minute's count fades while this one's grows.

    Args:
        redis: Where processes add up their counts; None counts in this process alone.
        now: Seconds since the epoch, the same for all processes.
    """

    def __init__(self, redis: Redis | None, now: Callable[[], float] = _now) -> None:
        self.redis = redis
        self._now = now
        self._windows: dict[str, _Window] = {}
        self._dirty: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def count(self, name: str, subject: str, limit: int, seen: list[Verdict]) -> None:
        """Count one request of *subject*; a *limit* (requests a minute) of 0 means that there is none.

        Args:
            seen: Gets the verdict, for the headers of the answer.

        Raises:
            RateLimited: If the limit is used up. A refused request is not counted.
        """
        if limit == 0:
            return
        number, elapsed = divmod(self._now(), WINDOW)
        key = f"{name}:{subject}"
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = _Window(int(number))
        window.turn(int(number))
        counted = window.settled + window.pending
        left = limit - counted - 1 - window.previous * (1 - elapsed / WINDOW)
        if left < 0:
            seconds = _wait(window.previous, counted, limit, elapsed)
            seen.append(Verdict(name, limit, 0, seconds))
            raise RateLimited(
                f"Too many requests. Try again in {seconds} seconds.", retry_after=seconds
            )
        window.pending += 1
        self._dirty.add(key)
        seen.append(Verdict(name, limit, int(left), int(WINDOW - elapsed) + 1))

    def start(self) -> None:
        """Begin to settle with the other processes."""
        self._task = keep_running(self._run, "throttle")

    async def stop(self) -> None:
        """Settle no more."""
        if self._task is not None:
            await end_task(self._task)

    async def _run(self) -> None:
        reachable = True
        while True:
            await asyncio.sleep(SETTLE_SECONDS)
            self.forget()
            try:
                await self.settle()
                reachable = True
            except (RedisError, OSError) as error:
                if reachable:
                    logger.warning("rate_limit_without_redis", error=type(error).__name__)
                reachable = False

    async def settle(self) -> None:
        """Add this process's counts to those of all, and learn the sums.

        Raises:
            RedisError: If Redis is away; then the counts stay here and are tried again.
        """
        keys = [key for key in self._dirty if key in self._windows]
        self._dirty.clear()
        if self.redis is None:
            return
        for start in range(0, len(keys), BATCH):
            try:
                await self._settle(self.redis, keys[start : start + BATCH])
            except BaseException:
                self._dirty.update(keys[start:])
                raise

    async def _settle(self, redis: Redis, keys: list[str]) -> None:
        sent = []
        async with redis.pipeline(transaction=False) as pipe:
            for key in keys:
                window = self._windows[key]
                sent.append((window, window.number, window.pending))
                name = f"rt:rate:{key}:{window.number}"
                pipe.incrby(name, window.pending)
                pipe.expire(name, 2 * WINDOW + 10)
                pipe.get(f"rt:rate:{key}:{window.number - 1}")
            answers = await pipe.execute()
        for (window, number, pending), total, previous in zip(
            sent, answers[::3], answers[2::3], strict=True
        ):
            if window.number == number:
                window.settled = int(total)
                window.pending -= pending
                window.previous = max(window.previous, int(previous or 0))

    def remembered(self) -> list[str]:
        """Return the limits and subjects that there are counts of."""
        return list(self._windows)

    def forget(self) -> None:
        """Drop the subjects that were silent for two minutes, and the oldest when there are too many."""
        number = int(self._now()) // WINDOW
        silent = [key for key, window in self._windows.items() if window.number < number - 1]
        for key in (*silent, *list(self._windows)[: max(0, len(self._windows) - MAX_WINDOWS)]):
            self._windows.pop(key, None)


def headers_of(verdicts: list[Verdict]) -> dict[str, str]:
    """Return the headers of the IETF's draft *RateLimit header fields for HTTP* for the limits that counted."""
    return {
        "RateLimit-Policy": ", ".join(verdict.policy() for verdict in verdicts),
        "RateLimit": ", ".join(verdict.state() for verdict in verdicts),
    }


def _wait(previous: int, counted: int, limit: int, elapsed: float) -> int:
    """Return after how many whole seconds one more request fits, if nobody asks meanwhile."""
    if counted + 1 <= limit:
        # The last minute's count has to fade to the room that this minute's leaves.
        at = WINDOW * (1 - (limit - counted - 1) / previous)
    else:
        at = WINDOW + WINDOW * (1 - (limit - 1) / counted)
    return max(1, int(at - elapsed) + 1)
