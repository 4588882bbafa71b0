"""The replicas that reads may go to: which of them are fit, and what each of them has applied.

What the primary has written is a position in its log. The process samples it twice a second, and asks each replica how
far it has applied the log. A replica that has applied what the primary had at a moment shows everything that was
committed until then, so that its age is known without comparing clocks, and also while nothing is written at all.

A replica is fit while it shows no less than what was committed a few seconds ago, follows the history (system and
timeline) that the primary writes, and is a standby still. All of that is decided when it is used: should the sampling
stand still, replicas grow old by themselves.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final
from zlib import crc32

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from reqtrail.platform.background import end_task, keep_running
from reqtrail.platform.database.connecting import make_readers
from reqtrail.platform.database.patience import answering
from reqtrail.platform.database.positions import Position, end_of_record
from reqtrail.platform.database.primary import Primary
from reqtrail.platform.metrics import REPLICA_IN_ROTATION, REPLICA_LAG

logger = structlog.get_logger()

SAMPLE_SECONDS: Final = 0.5
ANSWER_SECONDS: Final = 1.0
"""How long a server may take to say how far it is."""
KNOWN_SECONDS: Final = 0.005
"""How long what a replica said of its position is taken for the newest that can be had."""
REFRESH_SECONDS: Final = 0.05
"""How long a read may wait for the newest."""
SAMPLES: Final = 120

TROUBLE: Final = (SQLAlchemyError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)

OF_PRIMARY: Final = text(
    "SELECT pg_is_in_recovery(), (SELECT system_identifier FROM pg_control_system()),"
    " CASE WHEN NOT pg_is_in_recovery() THEN pg_walfile_name(pg_current_wal_insert_lsn()) END,"
    " CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_insert_lsn() - '0/0'::pg_lsn END,"
    " current_setting('wal_block_size')::int"
)
INSERTED: Final = text(
    "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn, current_setting('wal_block_size')::int"
)
"""Asked of the primary: where it goes on to write its log, and how large a page of it is."""

# A login without pg_monitor does not see the receiver, and learns of a new timeline with the next restart point.
OF_REPLICA: Final = text(
    "SELECT pg_is_in_recovery(), (SELECT system_identifier FROM pg_control_system()),"
    " greatest((SELECT timeline_id FROM pg_control_checkpoint()),"
    " (SELECT min_recovery_end_timeline FROM pg_control_recovery()),"
    " (SELECT max(received_tli) FROM pg_stat_wal_receiver)),"
    " pg_last_wal_replay_lsn() - '0/0'::pg_lsn"
)
_REPLAYED = text(
    "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() - '0/0'::pg_lsn END"
)
_TIMELINE_DIGITS: Final = 8

History = tuple[int, int]
"""The identifier of a system and a timeline of it."""


class Replica:
    """One server that reads may go to.

    Args:
        number: What logs and metrics call it: its place in the setting, from 1 on.
        engine: With the role of the application.
        probe: With that of the login, for what is asked of the server itself.
        longest_read: Seconds after which a read is given up, and made at the primary.
    """

    def __init__(
        self, number: int, engine: AsyncEngine, probe: AsyncEngine, longest_read: float
    ) -> None:
        self.number = number
        self.longest_read = longest_read
        self.reader = make_readers(engine)
        self._engine = engine
        self._probe = probe
        self.replayed: Position = -1
        self.history: History | None = None
        self.current_at: float = float("-inf")
        """The moment up to which it is known to show what was committed."""
        self.answers = False
        self._known_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def ask(self) -> None:
        """Ask how far it is; one that does not answer, or is no standby, does not serve."""
        try:
            async with answering(self._probe, ANSWER_SECONDS) as connection:
                row = (await connection.execute(OF_REPLICA)).one()
        except TROUBLE as error:
            self.fail(type(error).__name__)
            return
        in_recovery, system, timeline, replayed = row
        if not in_recovery or replayed is None:
            self.fail("promoted")
            return
        if not self.answers:
            logger.info("replica_answers", replica=self.number)
        self.answers, self.history = True, (int(system), int(timeline))
        self._learn(int(replayed))

    def fail(self, why: str) -> None:
        """Have it serve no more until it has answered again."""
        if self.answers:
            logger.warning("replica_left", replica=self.number, why=why)
        self.answers = False

    async def refresh(self) -> None:
        """Learn how far it is now, together with whoever else waits for that; a late answer changes nothing."""
        if time.monotonic() - self._known_at < KNOWN_SECONDS:
            return
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_position())
        await asyncio.wait({self._asking}, timeout=REFRESH_SECONDS)

    async def _ask_position(self) -> None:
        try:
            async with answering(self._probe, ANSWER_SECONDS) as connection:
                replayed = await connection.scalar(_REPLAYED)
        except TROUBLE as error:
            self.fail(type(error).__name__)
            return
        if replayed is None:
            self.fail("promoted")
        else:
            self._learn(int(replayed))

    def _learn(self, replayed: Position) -> None:
        self.replayed, self._known_at = replayed, time.monotonic()

    async def close(self) -> None:
        """Close its connections."""
        if self._asking is not None:
            await end_task(self._asking)
        await self._engine.dispose()
        await self._probe.dispose()


class Replicas:
    """The replicas of one process.

    Args:
        primary: An engine of the primary for questions about the server, with connections of its own: those of requests
            may all be in use.
        state: What is known of it.
        longest_lag: Seconds by which a replica may be behind.
        longest_alone: Seconds for which replicas go on to serve while the primary is away.
    """

    def __init__(
        self,
        primary: AsyncEngine,
        state: Primary,
        replicas: Sequence[Replica],
        *,
        longest_lag: float,
        longest_alone: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._replicas = replicas
        self._engine = primary
        self._primary = primary.execution_options(isolation_level="AUTOCOMMIT")
        self._state = state
        self._longest_lag = longest_lag
        self._longest_alone = longest_alone
        self._monotonic = monotonic
        self._history: History | None = None
        self._samples: deque[tuple[float, Position]] = deque(maxlen=SAMPLES)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch the servers."""
        self._task = keep_running(self._watch, "replicas")

    async def stop(self) -> None:
        """Watch no more, and close what is open."""
        if self._task is not None:
            await end_task(self._task)
        for replica in self._replicas:
            await replica.close()
        await self._engine.dispose()

    async def position(self) -> Position | None:
        """Return a position that all that is committed by now lies before, or None if the primary does not say."""
        return await ask_position(self._primary)

    def sampled_after(self, moment: float) -> Position | None:
        """Return what the primary had written at some time after *moment*, or None if it was not asked since."""
        return next((position for at, position in self._samples if at >= moment), None)

    async def all_show(self, position: Position) -> bool:
        """Return whether every replica, read or not, shows what lies before *position* of the primary's history."""
        await asyncio.gather(*(replica.refresh() for replica in self._replicas))
        return all(
            each.answers and each.history == self._history and each.replayed >= position
            for each in self._replicas
        )

    async def choose(self, after: Position, affinity: int) -> Replica | None:
        """Return a fit replica that shows what lies before *after*, or None.

        Args:
            affinity: Whoever has the same one gets the same replica, while the same ones are fit: so that they do not
                see what was, after what is.
        """
        for refreshing in (False, True):
            fit = [replica for replica in self._replicas if self._is_fit(replica)]
            if refreshing and fit:
                await asyncio.gather(*(replica.refresh() for replica in fit))
            able = [each for each in fit if each.answers and each.replayed >= after]
            if able:
                return max(able, key=lambda each: _weight(affinity, each.number))
        return None

    async def choose_alone(self, after: Position) -> Replica | None:
        """Return the most advanced replica that may serve while the primary is away, or None.

        It has to show what the primary had until shortly before it went, and all that lies before *after*.
        """
        if not self._samples:
            return None
        last, _ = self._samples[-1]
        if self._monotonic() - last > self._longest_alone:
            return None
        asked = [each for each in self._replicas if each.answers]
        await asyncio.gather(*(replica.refresh() for replica in asked))
        self._date(asked)
        able = [
            each
            for each in asked
            if each.answers
            and each.history == self._history
            and each.current_at >= last - self._longest_lag
            and each.replayed >= after
        ]
        return max(able, key=lambda each: each.replayed, default=None)

    def _is_fit(self, replica: Replica) -> bool:
        return (
            replica.answers
            and replica.history == self._history
            and self._monotonic() - replica.current_at <= self._longest_lag
        )

    async def _watch(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(SAMPLE_SECONDS)

    async def look(self) -> None:
        """Sample the primary, then ask every replica."""
        await self._sample()
        await asyncio.gather(*(replica.ask() for replica in self._replicas))
        self._date(self._replicas)
        now = self._monotonic()
        for replica in self._replicas:
            REPLICA_IN_ROTATION.labels(str(replica.number)).set(self._is_fit(replica))
            REPLICA_LAG.labels(str(replica.number)).set(now - replica.current_at)

    async def _sample(self) -> None:
        asked_at = self._monotonic()
        try:
            with self._state.asked():
                async with answering(self._primary, ANSWER_SECONDS) as connection:
                    row = (await connection.execute(OF_PRIMARY)).one()
        except TROUBLE:
            return
        in_recovery, system, segment, inserted, page = row
        if in_recovery:  # one host alone is named, and it was demoted
            self._state.lost()
            return
        history = (int(system), timeline_of(segment))
        if history != self._history:
            # Positions of another history say nothing of this one.
            self._samples.clear()
            for replica in self._replicas:
                replica.current_at = float("-inf")
            logger.info("primary_found", timeline=history[1])
            self._history = history
        self._samples.append((asked_at, end_of_record(int(inserted), page)))

    def _date(self, replicas: Sequence[Replica]) -> None:
        """Say of each replica until when it shows what was committed."""
        for replica in replicas:
            if not replica.answers or replica.history != self._history:
                continue
            for at, position in reversed(self._samples):
                if position <= replica.replayed:
                    replica.current_at = max(replica.current_at, at)
                    break


def timeline_of(segment: str) -> int:
    """Return the timeline that a file of the log belongs to, by its name."""
    return int(segment[:_TIMELINE_DIGITS], 16)


async def ask_position(primary: AsyncEngine) -> Position | None:
    """Return a position that all that is committed by now lies before, or None if the primary does not say."""
    try:
        async with answering(primary, ANSWER_SECONDS) as connection:
            inserted, page = (await connection.execute(INSERTED)).one()
    except TROUBLE:
        return None
    return end_of_record(int(inserted), page)


def _weight(affinity: int, number: int) -> int:
    """Return how much who has *affinity* prefers a replica: one that leaves moves only those who read from it."""
    return crc32(b"%d:%d" % (affinity, number))
