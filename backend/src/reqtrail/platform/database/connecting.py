"""Connecting to the one of several hosts that takes writes, and sessions that only read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from reqtrail.platform.database.away import PrimaryAway

Readers = async_sessionmaker[AsyncSession]
Connect = Callable[..., Awaitable[Any]]

_NEXT: Final = (
    OSError,
    asyncpg.CannotConnectNowError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.TargetServerAttributeNotMatched,
)
"""What a host may say after which the next one is asked. A wrong password is none: it is wrong everywhere."""


def writable_host(timeout: float) -> Connect:
    """Return a function that connects to the host that takes writes, and asks that one first from then on.

    The driver can try several hosts by itself, but one that swallows packets would use up the time for all.

    Args:
        timeout: Seconds, for one host.
    """
    found = 0

    async def connect(**options: Any) -> Any:
        nonlocal found
        hosts, ports = options.pop("host", None), options.pop("port", None)
        if not isinstance(hosts, list):
            return await _connect_alone(host=hosts, port=ports, timeout=timeout, **options)
        last: BaseException | None = None
        for number in range(found, found + len(hosts)):
            which = number % len(hosts)
            try:
                connection = await asyncpg.connect(
                    host=hosts[which],
                    port=ports[which],
                    timeout=timeout,
                    target_session_attrs="read-write",
                    **options,
                )
            except _NEXT as error:
                last = error
                continue
            found = which
            return connection
        raise PrimaryAway("no host of the database takes writes") from last

    return connect


async def _connect_alone(**options: Any) -> Any:
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return await asyncpg.connect(**given)
    except (asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError) as error:
        raise PrimaryAway("the database does not take connections") from error


def make_readers(engine: AsyncEngine) -> Readers:
    """Return what makes sessions of *engine* whose transaction is one read-only snapshot."""
    # As options of the connection they are part of BEGIN and cost no statement of their own.
    reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return async_sessionmaker(reading, expire_on_commit=False, autoflush=False)
