"""The connection to PostgreSQL: one engine a process, and sessions that are one transaction each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

AfterCommit = Callable[[], Awaitable[None]]

_AFTER_COMMIT = "reqtrail_after_commit"


def _dump_json(value: Any) -> str:
    return orjson.dumps(value).decode()


def make_engine(url: str, *, pool_size: int = 10, connect_timeout: float = 10.0) -> AsyncEngine:
    """Return an asyncpg engine for *url* (``postgresql+asyncpg://…``).

    Args:
        pool_size: Connections kept; half as many more are opened under load.
        connect_timeout: Seconds.
    """
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=max(1, pool_size // 2),
        pool_pre_ping=True,
        pool_timeout=30,
        json_serializer=_dump_json,
        json_deserializer=orjson.loads,
        connect_args={"timeout": connect_timeout, "server_settings": {"jit": "off"}},
    )


def after_commit(session: AsyncSession, action: AfterCommit) -> None:
    """Run *action* once the transaction of *session* is durable; it is dropped if the transaction rolls back.

    The action must not raise: what it announces has already happened.
    """
    session.info.setdefault(_AFTER_COMMIT, []).append(action)


class Database:
    """One engine and the two kinds of session that the application uses.

    Attributes:
        info: What every writing session carries in its own ``info``.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.info: dict[str, Any] = {}
        self._make = async_sessionmaker(engine, expire_on_commit=False, autoflush=False)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Yield a session that is one transaction: durable when the block ends, undone when it raises."""
        async with self._make(info=dict(self.info)) as session:
            async with session.begin():
                yield session
            for action in session.info.pop(_AFTER_COMMIT, []):
                await action()

    @asynccontextmanager
    async def read_session(self) -> AsyncIterator[AsyncSession]:
        """Yield a session whose transaction is one consistent, read-only snapshot."""
        async with self._make() as session, session.begin():
            await session.execute(
                text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            )
            yield session

    async def dispose(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
