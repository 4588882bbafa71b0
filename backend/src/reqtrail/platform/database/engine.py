"""The connection to PostgreSQL: one engine a process, and sessions that are one transaction each."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from copy import copy
from typing import Any

import orjson
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from reqtrail.platform.database.scope import Opening
from reqtrail.platform.database.walls import APP_ROLE
from reqtrail.platform.metrics import measure_engine
from reqtrail.platform.telemetry.tracing import trace_engine

AfterCommit = Callable[[], Awaitable[None]]
BeforeCommit = Callable[[], Awaitable[None]]

_AFTER_COMMIT = "reqtrail_after_commit"
_BEFORE_COMMIT = "reqtrail_before_commit"
_LEFT_AT = "reqtrail_left_at"

PING_AFTER_SECONDS = 2.0
"""A connection that was idle for longer is asked whether it still lives before it is used."""


def _dump_json(value: Any) -> str:
    return orjson.dumps(value).decode()


def make_engine(
    url: str,
    *,
    role: str | None = APP_ROLE,
    pool_size: int = 10,
    connect_timeout: float = 10.0,
) -> AsyncEngine:
    """Return an asyncpg engine for *url* (``postgresql+asyncpg://…``).

    Args:
        role: What the login becomes as it connects; None leaves it what it is, such as the owner of the tables.
        pool_size: Connections kept; half as many more are opened under load.
        connect_timeout: Seconds.
    """
    server_settings = {"jit": "off"}
    if role is not None:
        server_settings["role"] = role
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=max(1, pool_size // 2),
        pool_timeout=30,
        json_serializer=_dump_json,
        json_deserializer=orjson.loads,
        connect_args={"timeout": connect_timeout, "server_settings": server_settings},
    )
    event.listen(engine.sync_engine, "checkin", _note_idle)
    event.listen(engine.sync_engine, "checkout", _refuse_dead)
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
            connection.ping()
    except DisconnectionError:
        raise
    except Exception as error:
        raise DisconnectionError("the connection does not answer") from error


def before_commit(session: AsyncSession, action: BeforeCommit) -> None:
    """Run *action* as the last of the transaction of *session*; what it raises undoes the transaction."""
    session.info.setdefault(_BEFORE_COMMIT, []).append(action)


def after_commit(session: AsyncSession, action: AfterCommit) -> None:
    """Run *action* once the transaction of *session* is durable; it is dropped if the transaction rolls back.

    The action must not raise: what it announces has already happened.
    """
    session.info.setdefault(_AFTER_COMMIT, []).append(action)


class Database:
    """One engine and the two kinds of session that the application uses.

    Attributes:
        info: What every session carries in its own ``info``.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.info: dict[str, Any] = {}
        self._opening: Opening | None = None
        self._make = async_sessionmaker(engine, expire_on_commit=False, autoflush=False)
        # As options of the connection they are part of BEGIN and cost no statement of their own.
        reading = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._make_reader = async_sessionmaker(reading, expire_on_commit=False, autoflush=False)

    def within(self, opening: Opening) -> Database:
        """Return this database with *opening* as the first step of each transaction.

        Without one a transaction reaches nothing of any project, unless its first query enters one.
        """
        opened = copy(self)
        opened._opening = opening
        return opened

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Yield a session that is one transaction: durable when the block ends, undone when it raises."""
        async with self._make(info=dict(self.info)) as session:
            async with session.begin():
                if self._opening is not None:
                    await self._opening(session)
                yield session
                for action in session.info.pop(_BEFORE_COMMIT, []):
                    await action()
            for action in session.info.pop(_AFTER_COMMIT, []):
                await action()

    @asynccontextmanager
    async def read_session(self) -> AsyncIterator[AsyncSession]:
        """Yield a session whose transaction is one consistent, read-only snapshot."""
        async with self._make_reader(info=dict(self.info)) as session, session.begin():
            if self._opening is not None:
                await self._opening(session)
            yield session

    async def dispose(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
