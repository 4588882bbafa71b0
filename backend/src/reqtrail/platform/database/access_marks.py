"""Marks of changed access, kept in Redis: a replica that does not show a change is not read by whom it concerns.

A mark says how far a replica must have applied the primary's log. Before a transaction that changes somebody's access
is made durable, the word that something changes is left for a few seconds, and after it, before its answer, the mark. A
read asks for the marks that concern it in one round trip, and only then chooses a replica.

Redis may lose marks: it is emptied, it restarts, or another server takes over. So there is a lease, which lives for
three seconds and is renewed by every process that reads from replicas. One that lapsed is made anew with another name.
Whoever sees a name for the first time reads from a replica only when that shows what the primary had after this moment,
and so all those changes of which the marks may be lost. No clocks are compared.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from reqtrail.platform.background import end_task, keep_running
from reqtrail.platform.database.access import EVERYBODY, Subject
from reqtrail.platform.database.positions import Position
from reqtrail.platform.metrics import REDIS_FAILURES

WAIT_SECONDS: Final = 0.25
"""How long one command waits: beyond it the primary is the faster one."""
LEASE_SECONDS: Final = 3.0
RENEW_SECONDS: Final = 0.5
CHANGING_SECONDS: Final = 6.0
"""How long the word lives that something changes: longer than a replica that is read can be behind."""
LONGEST_LAG_SECONDS: Final = 4.5
"""After it no replica is read that does not show what was committed before: the largest limit, and something for reads
that have chosen one already."""
RETRY_SECONDS: Final = 0.1

_ANYTHING: Final = (1 << 64) - 1
"""What no replica ever shows: where the primary was gone before it said how far its log was."""
_LEASE: Final = "rt:{access}:lease"

_RENEW: Final = """
if redis.call('PEXPIRE', KEYS[1], ARGV[1]) == 0 then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[1])
end
return redis.call('GET', KEYS[1])
"""
_ANNOUNCE: Final = """
for _, key in ipairs(KEYS) do
  redis.call('INCR', key)
  redis.call('PEXPIRE', key, ARGV[1])
end
return #KEYS
"""
"""Several transactions may be about to change the same, so they are counted."""
_LEAVE: Final = """
local marks = #KEYS / 2
for number = 1, marks do
  local key = KEYS[number]
  local had = redis.call('GET', key)
  if not had or had < ARGV[1] then redis.call('SET', key, ARGV[1]) end
  redis.call('PEXPIRE', key, ARGV[2])
end
for number = marks + 1, #KEYS * tonumber(ARGV[3]) do
  local key = KEYS[number]
  if redis.call('EXISTS', key) == 1 and redis.call('DECR', key) <= 0 then redis.call('DEL', key) end
end
return marks
"""
"""Of two changes the later one may leave its mark first, so a mark is only ever raised. Texts of one length compare as
the numbers do, which Lua would round."""

Sampled = Callable[[float], Position | None]
"""Returns what the primary had written at some moment after the given one; None if that is not known yet."""


class AccessMarks:
    """The marks, as one process leaves and reads them.

    Args:
        redis: Its client; it gives up soon. Without one nothing is known, and no replica is read.
        life: Seconds for which marks are kept: longer than replicas are read while the primary is away.
    """

    def __init__(
        self,
        redis: Redis | None,
        *,
        life: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._life_ms = round(life * 1000)
        self._monotonic = monotonic
        self._lease: bytes | None = None
        self._kept_since = self._doubted_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to renew the lease."""
        self._task = keep_running(self._keep, "access-marks")

    async def close(self) -> None:
        """Renew it no more."""
        if self._task is not None:
            await end_task(self._task)
        if self._redis is not None:
            await self._redis.aclose()

    async def announce(self, subjects: Collection[Subject]) -> bool:
        """Say that the access of *subjects* is about to change; return whether Redis took the word.

        It counts although this process may die before it leaves the mark.
        """
        if self._redis is None:
            return False
        keys = [_key("changing", subject) for subject in subjects]
        life = round(CHANGING_SECONDS * 1000)
        return await _tried(self._redis.eval(_ANNOUNCE, len(keys), *keys, life)) is not None

    async def leave(
        self, subjects: Collection[Subject], position: Position | None, *, announced: bool = False
    ) -> bool:
        """Leave marks that replicas have to show what lies before *position*; return whether Redis took them.

        Args:
            position: None if it is not known; replicas are not read by *subjects* for a while then.
            announced: Whether Redis took the word that this would change, which is over with the mark.
        """
        if self._redis is None:
            return False
        keys = [_key(kind, subject) for kind in ("mark", "changing") for subject in subjects]
        mark = f"{_ANYTHING if position is None else position:016x}"
        given = (mark, self._life_ms, int(announced))
        return await _tried(self._redis.eval(_LEAVE, len(keys), *keys, *given)) is not None

    async def spread(
        self,
        subjects: Collection[Subject],
        position: Position | None,
        is_shown: Callable[[Position], Awaitable[bool]],
        *,
        announced: bool = False,
    ) -> None:
        """Return when no read that begins from now on goes to a replica that lacks a change that was just committed.

        While Redis takes no marks, that is when all replicas show it, or as soon as those that do not are read no more.

        Args:
            is_shown: Tells whether all replicas show what lies before a position.
            announced: As for :meth:`leave`.
        """
        end = self._monotonic() + LONGEST_LAG_SECONDS
        while not await self.leave(subjects, position, announced=announced):
            if self._monotonic() >= end or (position is not None and await is_shown(position)):
                return
            await asyncio.sleep(RETRY_SECONDS)

    async def needed(
        self, subjects: Collection[Subject], sampled: Sampled, *, alone: bool = False
    ) -> Position | None:
        """Return what a replica has to show to be read by *subjects*; None if none may be.

        Args:
            subjects: Whose access the read goes by.
            alone: Whether the primary is away. Nothing changes then, and nobody can say what it has now, so a Redis
                that failed for a moment is believed if its lease goes on.
        """
        if self._redis is None:
            return None
        asked = (EVERYBODY, *subjects)
        keys = [_key(kind, subject) for kind in ("changing", "mark") for subject in asked]
        answer = await _tried(self._redis.mget(_LEASE, *keys))
        if answer is None:
            self._doubted_at = self._monotonic()
            return None
        lease, *found = answer
        self._learn(lease)
        since = self._kept_since if alone else max(self._kept_since, self._doubted_at)
        kept = None if lease is None else sampled(since)
        if kept is None or any(found[: len(asked)]):
            return None
        return max(kept, *(int(mark, 16) for mark in found[len(asked) :] if mark), 0)

    async def renew(self) -> None:
        """Let the lease live on, or begin another one if it lapsed."""
        if self._redis is not None:
            given = (round(LEASE_SECONDS * 1000), secrets.token_hex(8))
            lease = await _tried(self._redis.eval(_RENEW, 1, _LEASE, *given))
            if lease is not None:
                self._learn(lease)

    def _learn(self, lease: bytes | None) -> None:
        if lease is not None and lease != self._lease:
            self._kept_since = self._monotonic()
        self._lease = lease

    async def _keep(self) -> None:
        while True:
            await self.renew()
            await asyncio.sleep(RENEW_SECONDS)


def _key(what: str, subject: Subject) -> str:
    # One tag, so that one command of a cluster asks for all.
    kind, name = subject
    return f"rt:{{access}}:{what}:{kind}:{name}"


async def _tried(command: Awaitable[Any]) -> Any:
    """Return what Redis answers, or None if it does not."""
    try:
        return await command
    except (RedisError, OSError):
        REDIS_FAILURES.labels("access").inc()
        return None
