"""The connection to PostgreSQL: one engine a process, and sessions that are one transaction each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from copy import copy
from typing import Any, Final

import orjson
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from reqtrail.platform.database.away import (
    READ_ONLY,
    OutcomeUnknown,
    PrimaryAway,
    ReplicaAway,
    is_away,
    is_undecided,
    sql_state,
)
from reqtrail.platform.database.access import WritingSession, take_changes
from reqtrail.platform.database.access_marks import AccessMarks
from reqtrail.platform.database.connecting import Readers, make_readers, writable_host
from reqtrail.platform.database.patience import Patience
from reqtrail.platform.database.pool import MeasuredPool
from reqtrail.platform.database.positions import (
    UNKNOWN,
    Position,
    Reading,
    Writing,
    write_position,
)
from reqtrail.platform.database.primary import Primary
from reqtrail.platform.database.replicas import Replica, Replicas, ask_position
from reqtrail.platform.database.scope import Opening
from reqtrail.platform.database.walls import APP_ROLE
from reqtrail.platform.metrics import READ_FALLBACKS, READS, measure_engine, measure_pool
from reqtrail.platform.telemetry.tracing import trace_engine

AfterCommit = Callable[[], Awaitable[None]]
BeforeCommit = Callable[[], Awaitable[None]]

_AFTER_COMMIT = "reqtrail_after_commit"
_BEFORE_COMMIT = "reqtrail_before_commit"
_LEFT_AT = "reqtrail_left_at"
_PATIENCE = "reqtrail_patience"

CONNECT_SECONDS: Final = 10.0

writing: ContextVar[Writing | None] = ContextVar("writing", default=None)
"""Where the transactions of the request at hand note what they wrote; None outside of requests."""

POSITION_SECONDS: Final = 3.0
"""How long the position of a change of access is asked for: less than the word lives that was left before."""
POSITION_PAUSE_SECONDS: Final = 0.2
PING_AFTER_SECONDS = 2.0
"""A connection that was idle for longer is asked whether it still lives before it is used."""
PING_SECONDS: Final = 1.0
"""How long it may take to answer that."""


def _dump_json(value: Any) -> str:
    return orjson.dumps(value).decode()


def make_engine(
    url: str,
    *,
    role: str | None = APP_ROLE,
    pool_size: int = 10,
    connect_timeout: float = CONNECT_SECONDS,
    pool: str = "primary",
    longest_statement: float | None = None,
) -> AsyncEngine:
    """Return an asyncpg engine for *url* (``postgresql+asyncpg://…``), which may name several hosts of one database.

    Args:
        role: What the login becomes as it connects; None leaves it what it is, such as the owner of the tables.
        pool_size: Connections kept; half as many more are opened under load.
        connect_timeout: Seconds, for each host.
        pool: What metrics call its connections.
        longest_statement: Seconds after which the server gives a statement up; None leaves it at its own limit.
    """
    server_settings = {"jit": "off"}
    if role is not None:
        server_settings["role"] = role
    if longest_statement is not None:
        server_settings["statement_timeout"] = str(round(longest_statement * 1000))
    engine = create_async_engine(
        url,
        poolclass=MeasuredPool,
        pool_size=pool_size,
        max_overflow=max(1, pool_size // 2),
        pool_timeout=30,
        json_serializer=_dump_json,
        json_deserializer=orjson.loads,
        connect_args={
            "async_creator_fn": writable_host(connect_timeout),
            "server_settings": server_settings,
        },
    )
    event.listen(engine.sync_engine, "checkin", _note_idle)
    event.listen(engine.sync_engine, "checkout", _refuse_dead)
    event.listen(engine.sync_engine, "handle_error", _leave_demoted)
    assert isinstance(engine.pool, MeasuredPool)
    engine.pool.label = pool
    measure_pool(engine.pool)
    measure_engine(engine)
    trace_engine(engine)
    return engine


def _note_idle(connection: Any, record: Any) -> None:
    record.info[_LEFT_AT] = time.monotonic()


def _refuse_dead(connection: Any, record: Any, proxy: Any) -> None:
    """Have the pool open another connection if this one is dead.

    The driver notices at once when the server closes a connection, so one that was in use a moment ago is not asked:
    asking costs as much as a small query. After a longer rest a router may have dropped it silently.
    """
    try:
        if connection.driver_connection.is_closed():
            raise DisconnectionError("the connection is closed")
        if time.monotonic() - record.info.get(_LEFT_AT, 0.0) > PING_AFTER_SECONDS:
            timer = asyncio.get_running_loop().call_later(
                PING_SECONDS, connection.driver_connection.terminate
            )
            try:
                connection.ping()
            finally:
                timer.cancel()
            if connection.driver_connection.is_closed():
                # The answer and the end of the patience may come in one turn of a loop that was held up.
                raise DisconnectionError("the connection was cut while it answered")
    except DisconnectionError:
        raise
    except Exception as error:
        raise DisconnectionError("the connection does not answer") from error


def _leave_demoted(context: Any) -> None:
    """Drop all connections to a server that takes no writes any more: another one is the primary now."""
    if context.connection is not None and not context.connection.get_execution_options().get(
        "postgresql_readonly", False
    ):
        context.is_disconnect |= sql_state(context.original_exception) == READ_ONLY


def before_commit(session: AsyncSession, action: BeforeCommit) -> None:
    """Run *action* as the last of the transaction of *session*; what it raises undoes the transaction."""
    session.info.setdefault(_BEFORE_COMMIT, []).append(action)


def after_commit(session: AsyncSession, action: AfterCommit) -> None:
    """Run *action* once the transaction of *session* is durable; it is dropped if the transaction rolls back.

    The action must not raise: what it announces has already happened.
    """
    session.info.setdefault(_AFTER_COMMIT, []).append(action)


async def _open(stack: AsyncExitStack, make: Readers, info: dict[str, Any]) -> AsyncSession:
    session = await stack.enter_async_context(make(info=dict(info)))
    await stack.enter_async_context(session.begin())
    await session.connection()
    return session


class Database:
    """One engine and the two kinds of session that the application uses.

    Attributes:
        info: What every session carries in its own ``info``.
        primary: What is known of the primary.
        replicas: Where reads of requests may go, too.
        marks: What tells them of changed access; None where there are no replicas.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.info: dict[str, Any] = {}
        self.primary = Primary()
        self.replicas: Replicas | None = None
        self.marks: AccessMarks | None = None
        self._opening: Opening | None = None
        self._make = async_sessionmaker(
            engine, sync_session_class=WritingSession, expire_on_commit=False, autoflush=False
        )
        self._make_reader = make_readers(engine)

    def within(self, opening: Opening) -> Database:
        """Return this database with *opening* as the first step of each transaction.

        Without one a transaction reaches nothing of any project, unless its first query enters one.
        """
        opened = copy(self)
        opened._opening = opening
        return opened

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Yield a session that is one transaction: durable when the block ends, undone when it raises.

        Raises:
            OutcomeUnknown: If the connection was lost while it was made durable.
        """
        async with self._make(info=dict(self.info)) as session:
            is_whole = announced = False
            try:
                async with session.begin():
                    with self.primary.asked():
                        await session.connection()
                    if self._opening is not None:
                        await self._opening(session)
                    yield session
                    for action in session.info.pop(_BEFORE_COMMIT, []):
                        await action()
                    changed = take_changes(session)
                    if changed and self.marks is not None:
                        announced = await self.marks.announce(changed)
                    is_whole = True
            except (SQLAlchemyError, OSError) as error:
                if is_away(error):
                    self.primary.lost()
                if is_whole and is_undecided(error):
                    raise OutcomeUnknown from error
                raise
            note = writing.get() if self.replicas is not None else None
            is_asked = note is not None or (changed and self.marks is not None)
            position = await self._position() if is_asked else None
            if changed and self.marks is not None:
                if position is None:
                    position = await self._position_at_last()
                await self.marks.spread(changed, position, self._is_shown, announced=announced)
            for action in session.info.pop(_AFTER_COMMIT, []):
                await action()
        if note is not None:
            note.note(position)

    @asynccontextmanager
    async def read_session(self, reading: Reading | None = None) -> AsyncIterator[AsyncSession]:
        """Yield a session whose transaction is one consistent, read-only snapshot.

        Args:
            reading: How a request reads; without one it is the primary that is read.
        """
        async with AsyncExitStack() as stack:
            session, replica = await self._begin(stack, reading)
            try:
                if self._opening is not None:
                    await self._opening(session)
                yield session
            except SQLAlchemyError as error:
                if is_away(error):
                    if replica is None:
                        self.primary.lost()
                    elif not session.info[_PATIENCE].has_cut:
                        # One long read says nothing of a replica: whether that stands still is asked all the time.
                        replica.fail(type(error).__name__)
                raise

    async def _needed(self, reading: Reading, *, alone: bool = False) -> Position | None:
        """Return what a replica has to show to be read; None if none may be."""
        if self.replicas is None or self.marks is None:
            return None
        needed = await self.marks.needed(reading.subjects, self.replicas.sampled_after, alone=alone)
        return None if needed is None else max(needed, reading.after or 0)

    async def _choose(self, reading: Reading | None) -> Replica | None:
        if self.replicas is None or reading is None or reading.after is None or reading.is_again:
            return None
        after = await self._needed(reading)
        if after is None:
            READ_FALLBACKS.labels("access_changed").inc()
            return None
        replica = await self.replicas.choose(after, reading.affinity)
        if replica is not None:
            reading.target = "replica"
            READS.labels("replica").inc()
        elif not self.primary.is_away:
            READ_FALLBACKS.labels("no_replica").inc()
        return replica

    async def _begin(
        self, stack: AsyncExitStack, reading: Reading | None
    ) -> tuple[AsyncSession, Replica | None]:
        """Begin where *reading* goes; if that is the primary and it is away, at a replica."""
        replica = await self._choose(reading)
        if replica is not None:
            return await self._begin_at(stack, replica), replica
        try:
            with self.primary.asked():
                session = await _open(stack, self._make_reader, self.info)
        except PrimaryAway:
            if reading is None or self.replicas is None:
                raise
            after = await self._needed(reading, alone=True)
            replica = None if after is None else await self.replicas.choose_alone(after)
            if replica is None:
                raise
            reading.target = "alone"
            READS.labels("alone").inc()
            READ_FALLBACKS.labels("primary_away").inc()
            return await self._begin_at(stack, replica), replica
        if reading is not None:
            reading.target = "primary"
            READS.labels("primary").inc()
        return session, None

    async def _begin_at(self, stack: AsyncExitStack, replica: Replica) -> AsyncSession:
        patience = stack.enter_context(Patience(replica.longest_read))
        try:
            session = await _open(stack, replica.reader, self.info)
            session.info[_PATIENCE] = patience
            await patience.watch(await session.connection())
            return session
        except OSError as error:
            replica.fail(type(error).__name__)
            raise ReplicaAway(f"replica {replica.number} takes no connections") from error

    async def position(self) -> str | None:
        """Return what reads have to show to show all that is committed by now; None without replicas."""
        if self.replicas is None:
            return None
        found = await self._position()
        return UNKNOWN if found is None else write_position(found)

    async def _position(self) -> Position | None:
        if self.replicas is not None:
            return await self.replicas.position()
        return await ask_position(self.engine)

    async def _position_at_last(self) -> Position | None:
        """Ask again for a while: a mark that names no position would keep replicas from being read for minutes."""
        end = time.monotonic() + POSITION_SECONDS
        position = None
        while position is None and time.monotonic() < end:
            await asyncio.sleep(POSITION_PAUSE_SECONDS)
            position = await self._position()
        return position

    async def _is_shown(self, position: Position) -> bool:
        return self.replicas is not None and await self.replicas.all_show(position)

    async def dispose(self) -> None:
        """Close every connection."""
        if self.marks is not None:
            await self.marks.close()
        if self.replicas is not None:
            await self.replicas.stop()
        await self.engine.dispose()
