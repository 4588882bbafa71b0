"""The second level of caching: what one process made, kept in Redis for the others.

Keys name what is immutable: a project, a commit or a revision, and the format. So an entry is never stale, and a Redis
that is away, slow or emptied costs the work again and nothing else. Entries are bytes; whoever reads one trusts it
as it trusts the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail import __version__
from reqtrail.platform.cache import Lookups
from reqtrail.platform.database.engine import Database
from reqtrail.platform.metrics import REDIS_FAILURES

Answer = TypeVar("Answer")

TTL_SECONDS: Final = 3600
"""How long an entry outlives its last use; it bounds how long what was redacted stays in Redis, too."""
WAIT_SECONDS: Final = 0.25
"""How long one command waits: beyond it the database is the faster one."""
CLAIM_MS: Final = 3000
"""How long one process may take to make an entry before another tries."""
PATIENCE_SECONDS: Final = 1.0
"""How long a process waits for an entry that another one makes, before it makes it as well."""
_LOOK_SECONDS: Final = 0.02

INFO_KEY: Final = "reqtrail_shared_cache"
"""Where ``Database.info`` holds the cache."""


class SharedCache:
    """Entries in Redis by project, kind and name.

    Args:
        redis: Its client; it gives up soon.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._lookups: dict[str, Lookups] = {}

    def attach(self, database: Database) -> None:
        """Let the sessions of *database* find this cache."""
        database.info[INFO_KEY] = self

    async def get(self, project_id: UUID, kind: str, name: str) -> bytes | None:
        """Return an entry, or None; one that is used lives on."""
        key = _key(project_id, kind, name)
        found: bytes | None = await _within(self._redis.getex(key, ex=TTL_SECONDS), None)
        self._count(kind, (found,))
        return found

    async def get_many(
        self, project_id: UUID, kind: str, names: Sequence[str]
    ) -> list[bytes | None]:
        """Return the entry of each of *names*, or None."""
        keys = [_key(project_id, kind, name) for name in names]
        found: list[bytes | None] = await _within(self._redis.mget(keys), [None] * len(keys))
        self._count(kind, found)
        return found

    async def put(self, project_id: UUID, entries: Mapping[tuple[str, str], bytes]) -> None:
        """Keep *entries* by kind and name, all or, if Redis fails, some of them."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for (kind, name), value in entries.items():
                pipeline.set(_key(project_id, kind, name), value, ex=TTL_SECONDS)
            await _within(pipeline.execute(), [])

    @asynccontextmanager
    async def making(self, project_id: UUID, kind: str, name: str) -> AsyncIterator[bytes | None]:
        """Yield what another process is making, or None when it is for the caller to make and put.

        Of several processes that miss an entry at once one makes it; the others wait for it, but not for ever.
        """
        claim = _key(project_id, f"{kind}-claim", name)
        taken = await _within(self._redis.set(claim, b"1", nx=True, px=CLAIM_MS), True)
        if not taken:
            yield await self._await(_key(project_id, kind, name))
            return
        try:
            yield None
        finally:
            await _within(self._redis.delete(claim), 0)

    async def forget(self, project_id: UUID) -> None:
        """Drop every entry of a project, as far as Redis can be reached."""
        try:
            async for key in self._redis.scan_iter(f"{_prefix(project_id)}*", count=1000):
                await self._redis.unlink(key)
        except (RedisError, OSError):
            REDIS_FAILURES.labels("cache").inc()

    async def note_uses(self, board: str, uses: Mapping[str, int], days: int) -> None:
        """Add to how often members of *board* were used; what is not used for *days* is forgotten."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for member, count in uses.items():
                pipeline.zincrby(f"rt:uses:{board}", count, member)
            pipeline.expire(f"rt:uses:{board}", days * 24 * 3600)
            await _within(pipeline.execute(), [])

    async def most_used(self, board: str, count: int) -> list[str]:
        """Return the members of *board* that were used most."""
        found: list[bytes] = await _within(
            self._redis.zrange(f"rt:uses:{board}", 0, count - 1, desc=True), []
        )
        return [member.decode() for member in found]

    async def _await(self, key: str) -> bytes | None:
        for _ in range(round(PATIENCE_SECONDS / _LOOK_SECONDS)):
            await asyncio.sleep(_LOOK_SECONDS)
            found: bytes | None = await _within(self._redis.get(key), None)
            if found is not None:
                return found
        return None

    def _count(self, kind: str, found: Sequence[bytes | None]) -> None:
        lookups = self._lookups.setdefault(kind, Lookups(f"shared-{kind}"))
        lookups.misses += (missed := found.count(None))
        lookups.hits += len(found) - missed


def shared_cache_of(session: AsyncSession) -> SharedCache | None:
    """Return the cache that the database of *session* was given, if any."""
    found: SharedCache | None = session.info.get(INFO_KEY)
    return found


def _prefix(project_id: UUID) -> str:
    return f"rt:{{{project_id}}}:cache:"


def _key(project_id: UUID, kind: str, name: str) -> str:
    # The version, since another build may encode otherwise. The tag keeps a project's keys in one slot of a cluster.
    return f"{_prefix(project_id)}{kind}:{__version__}:{name}"


async def _within(command: Awaitable[Any], otherwise: Answer) -> Answer:
    """Return what Redis answers, or *otherwise* if it fails."""
    try:
        answer: Answer = await command
        return answer
    except (RedisError, OSError):
        REDIS_FAILURES.labels("cache").inc()
        return otherwise
