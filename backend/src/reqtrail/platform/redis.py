"""Redis: fails fast and never takes a request down with it; what it holds can be lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import orjson
import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from reqtrail.platform.background import end_task

logger = structlog.get_logger()

HEADS_CHANNEL = "rt:heads"
RECONNECT_SECONDS = 1.0


def make_redis(url: str) -> Redis:
    """Return a client that gives up at once rather than let a request wait."""
    client: Redis = Redis.from_url(
        url, socket_connect_timeout=0.5, socket_timeout=2, retry=Retry(NoBackoff(), 0)
    )
    return client


class HeadNotices:
    """Carries "this branch has a new head" between the API processes.

    Pub/sub can lose messages while it reconnects, so *on_lost* is called at each (re)connection.
    """

    def __init__(
        self,
        redis: Redis,
        on_head: Callable[[UUID, UUID, int, bytes], Awaitable[None]],
        on_lost: Callable[[], None],
    ) -> None:
        self._redis = redis
        self._on_head = on_head
        self._on_lost = on_lost
        self._task: asyncio.Task[None] | None = None

    async def publish(self, project_id: UUID, branch_id: UUID, seq: int, commit: bytes) -> None:
        """Tell all processes; without Redis this process alone knows."""
        message = [str(project_id), str(branch_id), seq, commit.hex()]
        try:
            await self._redis.publish(HEADS_CHANNEL, orjson.dumps(message))
        except (RedisError, OSError):
            logger.warning("notice_not_published", project_id=str(project_id), seq=seq)

    def start(self) -> None:
        """Begin to listen."""
        self._task = asyncio.create_task(self._listen(), name="head-notices")

    async def stop(self) -> None:
        """End listening."""
        if self._task is not None:
            await end_task(self._task)

    async def _listen(self) -> None:
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(HEADS_CHANNEL)
                    self._on_lost()
                    while True:
                        message = await channel.get_message(timeout=1.0)
                        if message is not None:
                            await self._receive(message["data"])
            except (RedisError, OSError):
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _receive(self, data: bytes) -> None:
        project, branch, seq, commit = orjson.loads(data)
        await self._on_head(UUID(project), UUID(branch), seq, bytes.fromhex(commit))
