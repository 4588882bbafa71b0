"""Limits of attempts, counted in Redis so that every API process counts together; without Redis each counts for itself.

For rare and dangerous requests, such as sign-ins: exact, at the price of a round trip. ``throttle`` counts all others.
"""

from __future__ import annotations

from typing import Any

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from reqtrail.kit.clock import now
from reqtrail.kit.errors import TooManyRequests
from reqtrail.platform.redis import AWAY, GuardedRedis, make_redis
from reqtrail.platform.telemetry.tracing import called

logger = structlog.get_logger()


class RateLimited(TooManyRequests):
    """Too many attempts within a minute."""

    code = "rate_limited"
    title = "Too many attempts"


class Limiter:
    """Counts attempts a minute.

    Args:
        redis_url: Where to count; None counts in this process alone.
    """

    def __init__(self, redis_url: str | None) -> None:
        self._local = MovingWindowRateLimiter(MemoryStorage())
        self._shared: MovingWindowRateLimiter | None = None
        self._redis: GuardedRedis | None = None
        if redis_url is not None:
            scheme = "redis+unix" if redis_url.startswith("unix:") else "redis"
            uri = f"async+{scheme}://{redis_url.partition('://')[2]}"
            self._redis = make_redis(redis_url)
            pool: Any = self._redis.connection_pool  # limits passes it on, but does not say so
            storage = RedisStorage(uri, implementation="redispy", connection_pool=pool)
            self._shared = MovingWindowRateLimiter(storage)

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._redis is not None:
            await self._redis.aclose()

    async def hit(self, name: str, subject: str, per_minute: int) -> None:
        """Count one attempt of *subject*.

        Raises:
            RateLimited: If there were more than *per_minute*; ``retry_after`` is in seconds.
        """
        item = RateLimitItemPerMinute(per_minute)
        try:
            seconds = await self._hit_together(item, name, subject)
        except (RedisError, OSError):
            logger.warning("rate_limit_without_redis", name=name)
            seconds = await _hit(self._local, item, name, subject)
        if seconds:
            raise RateLimited(
                f"Too many attempts. Try again in {seconds} seconds.", retry_after=seconds
            )

    async def _hit_together(self, item: RateLimitItemPerMinute, name: str, subject: str) -> int:
        if self._shared is None or self._redis is None:
            return await _hit(self._local, item, name, subject)
        # The storage has a client of its own, on the connections of the guarded one.
        with called("redis", "EVALSHA"), self._redis.circuit.call(*AWAY):
            return await _hit(self._shared, item, name, subject)


async def _hit(
    limiter: MovingWindowRateLimiter, item: RateLimitItemPerMinute, name: str, subject: str
) -> int:
    """Count one attempt; return after how many seconds there is room, or 0 if there was."""
    if await limiter.hit(item, name, subject):
        return 0
    window = await limiter.get_window_stats(item, name, subject)
    return max(1, int(window.reset_time - now().timestamp()) + 1)
