"""Bells: "there is something new in this project", or about this person, rung between processes through Redis.

A bell carries no news. Whoever hears it reads what is new where it is kept, so one that is lost costs a delay and never
a wrong answer, and listeners look by themselves now and then. Ringing waits for nobody: Redis may be away or paused.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from functools import partial
from typing import Final, Literal
from uuid import UUID

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from reqtrail.platform.metrics import REDIS_FAILURES
from reqtrail.platform.background import end_task, keep_running

logger = structlog.get_logger()

Topic = Literal["commits", "jobs", "presence", "progress", "own-progress"]
"""``jobs`` wakes workers. All are rung for a project, but ``own-progress`` for a person."""
Listener = Callable[[UUID], None]
"""Called with what a bell was rung for; it must neither wait nor raise."""

CHANNEL: Final = "rt:bells"
RECONNECT_SECONDS: Final = 1.0
MOST_WAITING: Final = 10_000
"""Bells that wait for Redis; beyond it they are not rung elsewhere."""


class Bells:
    """The bells of this process, connected with those of the others.

    Args:
        redis: What connects them; None leaves this process alone.
    """

    def __init__(self, redis: Redis | None) -> None:
        self._redis = redis
        self._origin = secrets.token_hex(8)
        self._listeners: dict[Topic, list[Listener]] = {}
        self._waiting: dict[tuple[Topic, UUID], None] = {}
        self._rung = asyncio.Event()
        self._on_connected: list[Callable[[], None]] = []
        self._tasks: list[asyncio.Task[None]] = []

    def listen(self, topic: Topic, listener: Listener) -> None:
        """Have *listener* called at each ring of *topic*, in this process or another."""
        self._listeners.setdefault(topic, []).append(listener)

    def on_connected(self, callback: Callable[[], None]) -> None:
        """Have *callback* called whenever this process begins to hear the others: rings before that went unheard."""
        self._on_connected.append(callback)

    def ring(self, topic: Topic, rung_for: UUID) -> None:
        """Ring here at once, and elsewhere as soon as Redis takes it."""
        self._hear(topic, rung_for)
        if self._redis is not None and len(self._waiting) < MOST_WAITING:
            self._waiting[topic, rung_for] = None
            self._rung.set()

    def start(self, *, listening: bool = True) -> None:
        """Begin to send and, if asked, to hear what other processes ring."""
        if self._redis is None:
            return
        self._tasks.append(keep_running(partial(self._send, self._redis), "bells-send"))
        if listening:
            self._tasks.append(keep_running(partial(self._listen, self._redis), "bells-hear"))

    async def stop(self) -> None:
        """Send and hear no more."""
        for task in self._tasks:
            await end_task(task)
        self._tasks.clear()

    def _hear(self, topic: Topic, rung_for: UUID) -> None:
        for listener in self._listeners.get(topic, ()):
            listener(rung_for)

    async def _send(self, redis: Redis) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            due = list(self._waiting)
            # Taken out before, so that what is rung while Redis answers is sent again.
            self._waiting.clear()
            told = [[topic, str(rung_for)] for topic, rung_for in due]
            try:
                await redis.publish(CHANNEL, orjson.dumps([self._origin, told]))
            except (RedisError, OSError) as error:
                REDIS_FAILURES.labels("bells").inc()
                logger.warning("bells_unheard", error=type(error).__name__, count=len(due))
                self._waiting.update(dict.fromkeys(due))
                await asyncio.sleep(RECONNECT_SECONDS)
                self._rung.set()

    async def _listen(self, redis: Redis) -> None:
        while True:
            try:
                # A cluster's client learns from commands alone which server has the channel, not from subscriptions.
                await redis.exists(CHANNEL)
                async with redis.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(CHANNEL)
                    for callback in self._on_connected:
                        callback()
                    while True:
                        message = await channel.get_message(timeout=1.0)
                        if message is not None:
                            self._receive(message["data"])
            except (RedisError, OSError):
                await asyncio.sleep(RECONNECT_SECONDS)

    def _receive(self, data: bytes) -> None:
        origin, told = orjson.loads(data)
        if origin != self._origin:
            for topic, rung_for in told:
                self._hear(topic, UUID(rung_for))
