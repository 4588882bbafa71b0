"""Redis: fails fast and never takes a request down with it; what it holds can be lost."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff


def make_redis(url: str) -> Redis:
    """Return a client that gives up at once rather than let a request wait."""
    client: Redis = Redis.from_url(
        url, socket_connect_timeout=0.5, socket_timeout=2, retry=Retry(NoBackoff(), 0)
    )
    return client
