"""Who looks at a project, kept in Redis for all processes.

It is a courtesy, kept nowhere else: without Redis a process knows those who are connected to itself. An entry that
nobody renews is forgotten, so a process that is killed leaves nobody behind for long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from reqtrail.features.access.public import Withheld
from reqtrail.features.collaboration.types import Message, Place, Presence
from reqtrail.kit import clock
from reqtrail.platform.background import end_task, keep_running
from reqtrail.platform.bells import Bells
from reqtrail.platform.encoding import json_bytes
from reqtrail.platform.metrics import REDIS_FAILURES

logger = structlog.get_logger()

RENEW_SECONDS: Final = 15.0
GATHER_SECONDS: Final = 0.1
"""Changes that come closer together are shared together."""
FORGET_SECONDS: Final = 40.0
"""After so long without being renewed an entry counts no more."""
MOST_PEOPLE: Final = 200
"""That are told of; those who came first."""


class PresenceBoard:
    """The people of this process, by project, and those of the others as Redis has them.

    Args:
        redis: What processes share; None knows the people of this process alone.
    """

    def __init__(self, redis: Redis | None, bells: Bells) -> None:
        self._redis = redis
        self._bells = bells
        self._own: dict[UUID, dict[str, Presence]] = {}
        self._changed: set[tuple[UUID, str]] = set()
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def put(self, project_id: UUID, presence: Presence) -> None:
        """Let others see where somebody is."""
        people = self._own.setdefault(project_id, {})
        if people.get(presence.socket) == presence:
            return
        people[presence.socket] = presence
        self._note(project_id, presence.socket)

    def drop(self, project_id: UUID, socket: str) -> None:
        """Let others see somebody no more."""
        people = self._own.get(project_id, {})
        if people.pop(socket, None) is None:
            return
        if not people:
            del self._own[project_id]
        self._note(project_id, socket)

    async def people(self, project_id: UUID) -> list[Presence]:
        """Return everybody who is seen, those who came first first."""
        found = {one.socket: one for one in self._own.get(project_id, {}).values()}
        if self._redis is not None:
            try:
                kept = await self._redis.hgetall(_key(project_id))
                others, expired = _read(kept)
                if expired:
                    await self._redis.hdel(_key(project_id), *expired)
                found = {**others, **found}
            except (RedisError, OSError):
                REDIS_FAILURES.labels("presence").inc()
                logger.warning("presence_without_redis", project_id=str(project_id))
        return sorted(found.values(), key=lambda one: one.socket)[:MOST_PEOPLE]

    def start(self) -> None:
        """Begin to share."""
        self._task = keep_running(self._share, "presence")

    async def stop(self) -> None:
        """Take everybody of this process away and share no more."""
        if self._task is not None:
            await end_task(self._task)
        gone = self._everybody()
        self._own.clear()
        await self._write(gone)

    def _everybody(self) -> list[tuple[UUID, str]]:
        return [(project, socket) for project, people in self._own.items() for socket in people]

    def _note(self, project_id: UUID, socket: str) -> None:
        self._changed.add((project_id, socket))
        self._due.set()

    async def _share(self) -> None:
        """Write what changed at once, and everything now and then."""
        renewed = asyncio.get_running_loop().time()
        while True:
            try:
                async with asyncio.timeout(RENEW_SECONDS / 3):
                    await self._due.wait()
            except TimeoutError:
                pass
            self._due.clear()
            now = asyncio.get_running_loop().time()
            if now - renewed >= RENEW_SECONDS:
                renewed = now
                self._changed.update(self._everybody())
            changed, self._changed = self._changed, set()
            await self._write(sorted(changed))
            for changed_id in {project_id for project_id, _ in changed}:
                self._bells.ring("presence", changed_id)
            await asyncio.sleep(GATHER_SECONDS)

    async def _write(self, changed: Sequence[tuple[UUID, str]]) -> None:
        if self._redis is None or not changed:
            return
        at = clock.now().timestamp()
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for project_id, socket in changed:
                    key, own = _key(project_id), self._own.get(project_id, {}).get(socket)
                    if own is None:
                        pipeline.hdel(key, socket)
                    else:
                        pipeline.hset(key, socket, _written(own, at))
                    pipeline.expire(key, int(FORGET_SECONDS * 2))
                await pipeline.execute()
        except (RedisError, OSError) as error:
            # The next renewal writes those who are there; who left is forgotten by time.
            REDIS_FAILURES.labels("presence").inc()
            logger.warning("presence_not_shared", error=type(error).__name__)


def shown_to(people: Sequence[Presence], key: str, withheld: Withheld) -> Message:
    """Return the message that tells who is in the project called *key*, and as much of where as may be known."""
    return {
        "type": "people",
        "project": key,
        "people": [
            {
                "socket": one.socket,
                "user": {"id": one.user_id, "display_name": one.name},
                **_place_shown(one.place, withheld),
            }
            for one in people
        ],
    }


def _place_shown(place: Place, withheld: Withheld) -> dict[str, Any]:
    # An item outside any document may stand in one that is withheld.
    hidden = bool(withheld) and (place.document is None or place.document in withheld.documents)
    if hidden:
        return {"document": None, "item": None, "attribute": None}
    attribute = None if place.attribute in withheld.attributes else place.attribute
    return {"document": place.document, "item": place.item, "attribute": attribute}


def _key(project_id: UUID) -> str:
    return f"rt:{{{project_id}}}:presence"


def _written(one: Presence, at: float) -> bytes:
    place = (one.place.document, one.place.item, one.place.attribute)
    return json_bytes([at, one.user_id, one.name, *place])


def _read(kept: Mapping[Any, bytes | str]) -> tuple[dict[str, Presence], list[Any]]:
    """Return who is there by socket, and the sockets that nobody renewed, or whose entries another version wrote."""
    oldest = clock.now().timestamp() - FORGET_SECONDS
    found, expired = {}, []
    for socket, written in kept.items():
        try:
            at, user_id, name, document, item, attribute = orjson.loads(written)
            place = Place(*(UUID(one) if one else None for one in (document, item, attribute)))
            presence = Presence(socket.decode(), UUID(user_id), str(name), place)
            is_there = bool(at >= oldest)
        except (ValueError, TypeError, AttributeError):
            is_there = False
        if is_there:
            found[presence.socket] = presence
        else:
            expired.append(socket)
    return found, expired
