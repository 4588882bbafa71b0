"""Limits of attempts, counted in Redis so that every API process counts together; without Redis each counts for itself.

For rare and dangerous requests, such as sign-ins: exact, at the price of a round trip. ``throttle`` counts all others.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisClusterStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from reqtrail.kit.clock import now
from reqtrail.kit.errors import TooManyRequests
from reqtrail.platform.redis import AWAY, WAIT_SECONDS, GuardedRedis, lost_cluster, make_redis
from reqtrail.platform.redis_url import read_redis_url
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
        self._storage: RedisStorage | None = None
        if redis_url is not None:
            self._redis = make_redis(redis_url)
            self._storage = _storage(redis_url, self._redis)
            self._shared = MovingWindowRateLimiter(self._storage)

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._redis is not None:
            await self._redis.aclose()
        if isinstance(self._storage, RedisClusterStorage):
            bridge: Any = self._storage.bridge
            await bridge.storage.aclose()

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
        in_cluster = isinstance(self._storage, RedisClusterStorage)
        lost = lost_cluster() if in_cluster else nullcontext()
        with called("redis", "EVALSHA"), self._redis.circuit.call(*AWAY), lost:
            return await _hit(self._shared, item, name, subject)


def _storage(url: str, redis: GuardedRedis) -> RedisStorage:
    """Return where the library counts: by the connections of *redis*, or in a cluster by its own."""
    place = read_redis_url(url)
    if place.kind != "cluster":
        pool: Any = redis.connection_pool  # the library passes it on, but does not say so
        return RedisStorage("async+redis://", implementation="redispy", connection_pool=pool)
    hosts = ",".join(f"{host}:{port}" for host, port in place.hosts)
    options: dict[str, Any] = {
        "username": place.username,
        "password": place.password,
        "ssl": place.tls,
        "socket_connect_timeout": WAIT_SECONDS,
        "socket_timeout": WAIT_SECONDS,
    }
    return RedisClusterStorage(
        f"async+redis+cluster://{hosts}", implementation="redispy", **options
    )


async def _hit(
    limiter: MovingWindowRateLimiter, item: RateLimitItemPerMinute, name: str, subject: str
) -> int:
    """Count one attempt; return after how many seconds there is room, or 0 if there was."""
    if await limiter.hit(item, name, subject):
        return 0
    window = await limiter.get_window_stats(item, name, subject)
    return max(1, int(window.reset_time - now().timestamp()) + 1)
