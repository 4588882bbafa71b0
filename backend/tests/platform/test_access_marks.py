"""Marks of changed access in a real Valkey: found, raised, lost with a lease, and not had at all."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reqtrail.entrypoints.embedded.valkey import EmbeddedValkey
from reqtrail.platform.database.access import EVERYBODY, Subject
from reqtrail.platform.database.access_marks import (
    LEASE_SECONDS,
    LONGEST_LAG_SECONDS,
    WAIT_SECONDS,
    AccessMarks,
    Sampled,
)
from reqtrail.platform.redis import make_redis
from reqtrail.platform.settings import Settings

pytestmark = pytest.mark.anyio

SOMEBODY: list[Subject] = [("account", "a"), ("session", "b")]
BEGAN = 0x10


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedValkey]:
    with tempfile.TemporaryDirectory(prefix="rt-") as folder:  # short, for the socket's path
        os.chmod(folder, 0o711)
        made = EmbeddedValkey(Path(folder) / "valkey")
        made.start()
        yield made
        made.stop()


@pytest.fixture
async def valkey(running: EmbeddedValkey) -> EmbeddedValkey:
    running.start()
    await emptied(running)
    return running


async def emptied(valkey: EmbeddedValkey) -> None:
    redis = make_redis(valkey.url())
    await redis.flushall()
    await redis.aclose()


@contextmanager
def standing_still(valkey: EmbeddedValkey) -> Iterator[None]:
    pid = valkey.process_pid()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def made(valkey: EmbeddedValkey, life: float = 60) -> AccessMarks:
    """Return the marks of one more process."""
    number = time.monotonic_ns()  # its circuit is its own
    return AccessMarks(
        make_redis(valkey.url(), wait=WAIT_SECONDS, circuit=f"access-{number}"), life=life
    )


def sampled(position: int | None = BEGAN) -> Sampled:
    """Return what has the primary sampled at *position*."""
    return lambda moment: position


def not_after(moment: float, position: int = BEGAN) -> Sampled:
    """Return what has the primary sampled for the last time at *moment*."""
    return lambda since: position if moment >= since else None


async def never(position: int) -> bool:
    raise AssertionError("nobody needs to ask the replicas")


async def test_without_a_lease_nothing_is_known(valkey: EmbeddedValkey) -> None:
    marks = made(valkey)
    assert await marks.needed(SOMEBODY, sampled()) is None
    await marks.renew()
    assert await marks.needed(SOMEBODY, sampled()) == BEGAN
    await marks.close()


async def test_a_mark_counts_for_whom_it_concerns(valkey: EmbeddedValkey) -> None:
    marks, other = made(valkey), made(valkey)
    await marks.renew()
    await other.spread([("account", "a")], 0x1234, never)
    assert await marks.needed(SOMEBODY, sampled()) == 0x1234
    assert await marks.needed([("account", "b"), ("session", "a")], sampled()) == BEGAN
    assert await marks.needed((), sampled()) == BEGAN
    await other.spread([EVERYBODY], 0x999999999999, never)
    assert await marks.needed((), sampled()) == 0x999999999999
    assert await marks.needed(SOMEBODY, sampled()) == 0x999999999999
    for each in (marks, other):
        await each.close()


async def test_a_mark_is_only_raised(valkey: EmbeddedValkey) -> None:
    """Positions beyond what a floating-point number tells apart, with another number of digits."""
    marks = made(valkey)
    await marks.renew()
    high = (1 << 60) + 1
    for position, expected in ((0xFF, 0xFF), (high, high), (high - 1, high), (high + 1, high + 1)):
        assert await marks.leave([EVERYBODY], position)
        assert await marks.needed((), sampled()) == expected
    assert await marks.leave([EVERYBODY], None)  # where the primary was gone: no replica will do
    assert await marks.needed((), sampled()) == (1 << 64) - 1
    await marks.close()


async def test_marks_live_as_long_as_told(valkey: EmbeddedValkey) -> None:
    marks = made(valkey, life=0.2)
    await marks.renew()
    await marks.leave([EVERYBODY], 0x99)
    end = time.monotonic() + 5
    while await marks.needed((), sampled()) == 0x99:
        assert time.monotonic() < end
    assert await marks.needed((), sampled()) == BEGAN
    await marks.close()


async def test_what_is_about_to_change_keeps_from_replicas(valkey: EmbeddedValkey) -> None:
    marks, dying = made(valkey), made(valkey)
    await marks.renew()
    await dying.announce([("session", "b")])
    await dying.close()
    assert await marks.needed(SOMEBODY, sampled()) is None
    assert await marks.needed([("session", "c")], sampled()) == BEGAN
    await marks.close()


async def test_the_word_is_over_with_the_mark(valkey: EmbeddedValkey) -> None:
    """Of several transactions that change the same, each has its own."""
    marks, other = made(valkey), made(valkey)
    await marks.renew()
    assert await marks.announce([EVERYBODY]) and await other.announce([EVERYBODY])
    await other.spread([EVERYBODY], 0x20, never, announced=True)
    assert await marks.needed((), sampled()) is None
    await marks.spread([EVERYBODY], 0x19, never, announced=True)
    assert await marks.needed((), sampled()) == 0x20
    # What was not announced ends nobody else's word.
    assert await other.announce([EVERYBODY])
    await marks.spread([EVERYBODY], 0x21, never)
    assert await marks.needed((), sampled()) is None
    for each in (marks, other):
        await each.close()


async def test_a_new_lease_asks_for_what_the_primary_has_now(valkey: EmbeddedValkey) -> None:
    """Marks that were left before may be lost, so only what shows everything of before will do."""
    marks = made(valkey)
    await marks.renew()
    assert await marks.needed((), sampled()) == BEGAN
    before = time.monotonic()
    assert await marks.needed((), not_after(before)) == BEGAN
    await emptied(valkey)
    assert await marks.needed((), sampled()) is None
    await marks.renew()
    assert await marks.needed((), not_after(before)) is None
    assert await marks.needed((), not_after(time.monotonic(), 0x77)) == 0x77
    await marks.close()


async def test_a_lease_that_another_process_made_anew_is_noticed(valkey: EmbeddedValkey) -> None:
    marks, other = made(valkey), made(valkey)
    await other.renew()
    assert await marks.needed((), sampled()) == BEGAN
    before = time.monotonic()
    await emptied(valkey)
    await other.renew()
    assert await marks.needed((), not_after(before)) is None
    for each in (marks, other):
        await each.close()


async def test_a_lease_is_kept_by_whoever_renews_it(valkey: EmbeddedValkey) -> None:
    marks, other = made(valkey), made(valkey)
    await marks.renew()
    before = time.monotonic()
    assert await marks.needed((), sampled()) == BEGAN
    for _ in range(3):
        await other.renew()
        await marks.renew()
    assert await marks.needed((), not_after(before + 1)) == BEGAN
    redis = make_redis(valkey.url())
    assert 0 < await redis.pttl("rt:{access}:lease") <= LEASE_SECONDS * 1000
    await redis.aclose()
    for each in (marks, other):
        await each.close()


async def test_a_redis_that_stands_still_keeps_from_replicas(valkey: EmbeddedValkey) -> None:
    marks = made(valkey)
    await marks.renew()
    assert await marks.needed((), sampled()) == BEGAN
    before = time.monotonic()
    with standing_still(valkey):
        began = time.monotonic()
        assert await marks.needed((), sampled()) is None
        assert time.monotonic() - began < 1
    # Another server may have taken over meanwhile; while the primary is away, that its lease goes on has to do.
    await marks.renew()
    assert await marks.needed((), not_after(before)) is None
    assert await marks.needed((), not_after(before), alone=True) == BEGAN
    assert await marks.needed((), not_after(time.monotonic())) == BEGAN
    await marks.close()


async def test_who_cannot_leave_a_mark_waits_for_the_replicas(valkey: EmbeddedValkey) -> None:
    marks, asked = made(valkey), []

    async def shown(position: int) -> bool:
        asked.append(position)
        return len(asked) == 3

    with standing_still(valkey):
        await marks.announce([EVERYBODY])
        began = time.monotonic()
        await marks.spread([EVERYBODY], 0x55, shown)
        assert time.monotonic() - began < LONGEST_LAG_SECONDS
    assert asked == [0x55] * 3
    await marks.close()


async def test_who_cannot_leave_a_mark_waits_until_replicas_are_too_old() -> None:
    """Without Redis, and while a replica does not answer or the primary did not say how far its log was."""
    now = [0.0]

    def monotonic() -> float:
        now[0] += 0.5
        return now[0]

    async def shown(position: int) -> bool:
        return False

    marks = AccessMarks(None, life=60, monotonic=monotonic)
    assert await marks.needed((), sampled()) is None
    await marks.announce([EVERYBODY])
    for position in (0x55, None):
        began = now[0]
        await marks.spread([EVERYBODY], position, shown)
        assert LONGEST_LAG_SECONDS <= now[0] - began < LONGEST_LAG_SECONDS + 2
    await marks.close()


def test_no_setting_lets_a_replica_be_behind_for_longer(settings: Settings) -> None:
    limits = type(settings).model_fields["database_replica_lag_seconds"].metadata
    assert max(limit.le for limit in limits if hasattr(limit, "le")) < LONGEST_LAG_SECONDS
