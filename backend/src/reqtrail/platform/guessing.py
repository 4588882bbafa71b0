"""Growing delays against guessing, counted in Redis so that every API process counts together.

Each attempt takes a number. The first ones are free; from then on every attempt is followed by a wait in which no other
one is let through, twice as long each time, up to LONGEST_SECONDS. Attempts within a wait are refused and count for
nothing, so that others can make somebody wait, but never for ever. Without Redis each process counts for itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from reqtrail.platform.rate_limit import RateLimited
from reqtrail.platform.redis import make_redis

logger = structlog.get_logger()

FIRST_SECONDS: Final = 5.0
LONGEST_SECONDS: Final = 900.0
FORGET_SECONDS: Final = 3600.0
"""How long after the last attempt everything is forgotten."""
MAX_LOCAL: Final = 50_000
MAX_AT_ONCE: Final = 16

_ATTEMPT: Final = """
local wait = redis.call('PTTL', KEYS[2])
if wait > 0 then return wait end
local number = redis.call('INCR', KEYS[1])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
local over = number - tonumber(ARGV[1])
if over >= 0 then
  redis.call('SET', KEYS[2], '1', 'PX', math.floor(math.min(ARGV[2] * 2 ^ math.min(over, 30), ARGV[3])))
end
return 0
"""
_REFUND: Final = """
if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then redis.call('DECR', KEYS[1]) end
return 0
"""


@dataclass
class _Count:
    """What this process counts while Redis is away; moments are monotonic seconds."""

    attempts: int = 0
    blocked_until: float = 0.0
    forget_at: float = 0.0


class Delays:
    """Counts attempts and makes the next ones wait.

    Args:
        redis_url: Where to count; None counts in this process alone.
        monotonic: The clock by which this process counts, in seconds.
    """

    def __init__(
        self, redis_url: str | None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._monotonic = monotonic
        self._redis: Redis | None = make_redis(redis_url) if redis_url else None
        self._local: dict[str, _Count] = {}
        # A flood must not open a connection for each request at once: they would time out, all of them.
        self._turns = asyncio.Semaphore(MAX_AT_ONCE)

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._redis is not None:
            await self._redis.aclose()

    async def attempt(self, name: str, subject: str, free: int) -> None:
        """Take the next number for an attempt of kind *name* on *subject*, of which *free* are without a wait.

        Raises:
            RateLimited: If it has to wait; ``retry_after`` is in seconds.
        """
        key = _key(name, subject)
        arguments = (
            free,
            *(int(each * 1000) for each in (FIRST_SECONDS, LONGEST_SECONDS, FORGET_SECONDS)),
        )
        wait = await self._ask(_ATTEMPT, key, *arguments)
        seconds = self._attempt_here(key, free) if wait is None else wait / 1000
        if seconds > 0:
            whole = max(1, math.ceil(seconds))
            raise RateLimited(
                f"Too many attempts. Try again in {whole} seconds.", retry_after=whole
            )

    async def refund(self, name: str, subject: str) -> None:
        """Give back the number of an attempt that succeeded: many people may share an address."""
        key = _key(name, subject)
        if await self._ask(_REFUND, key) is None and key in self._local:
            self._local[key].attempts = max(0, self._local[key].attempts - 1)

    async def clear(self, name: str, subject: str) -> None:
        """Forget every attempt on *subject* and the wait that follows from them."""
        key = _key(name, subject)
        self._local.pop(key, None)
        await self._ask("return redis.call('DEL', KEYS[1], KEYS[2])", key)

    async def _ask(self, script: str, key: str, *arguments: int) -> int | None:
        """Run *script* in Redis; None when there is no Redis."""
        if self._redis is None:
            return None
        try:
            async with self._turns:
                answer: int = await self._redis.eval(
                    script, 2, f"{key}:count", f"{key}:wait", *arguments
                )
        except (RedisError, OSError):
            logger.warning("delays_without_redis")
            return None
        return answer

    def _attempt_here(self, key: str, free: int) -> float:
        now = self._monotonic()
        if len(self._local) >= MAX_LOCAL:
            self._local = {k: v for k, v in self._local.items() if v.forget_at > now}
            while len(self._local) >= MAX_LOCAL:  # the oldest first
                del self._local[next(iter(self._local))]
        count = self._local.setdefault(key, _Count())
        if count.forget_at <= now:
            count.attempts, count.blocked_until = 0, 0.0
        if count.blocked_until > now:
            return count.blocked_until - now
        count.attempts += 1
        count.forget_at = now + FORGET_SECONDS
        over = count.attempts - free
        if over >= 0:
            count.blocked_until = now + min(FIRST_SECONDS * 2 ** min(over, 30), LONGEST_SECONDS)
        return 0.0


def address_prefix(address: str) -> str:
    """Return the network that *address* is taken to be of one owner with: IPv4 /24, IPv6 /64."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    width = 24 if parsed.version == 4 else 64
    return str(ipaddress.ip_network((parsed, width), strict=False))


def _key(name: str, subject: str) -> str:
    """Return the common part of the keys: short, without names of people, and of one slot of a cluster."""
    digest = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"delay:{{{name}:{digest}}}"
