"""Reads that fail because a server of the database is gone are made again: elsewhere, or a moment later.

Only what reads is made again, and only before anything of its answer was sent. A write is never repeated here: whoever
sent it knows whether it may be, and says so with an ``Idempotency-Key``.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Final

import asyncpg
from fastapi import Request, Response
from sqlalchemy.exc import SQLAlchemyError

from reqtrail.platform.database.away import PrimaryAway, ReplicaAway, is_away
from reqtrail.platform.database.positions import Reading
from reqtrail.platform.database.primary import BRIEF_SECONDS
from reqtrail.platform.database.session import SAFE_METHODS, get_database
from reqtrail.platform.metrics import READ_FALLBACKS

FIRST_WAIT: Final = 0.05
LONGEST_WAIT: Final = 0.8
_OF_DATABASE: Final = (
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    PrimaryAway,
    ReplicaAway,
)
_STACK: Final = "fastapi_function_astack"

Handle = Callable[[], Awaitable[Response]]


async def answer_read(request: Request, handle: Handle) -> Response:
    """Return what *handle* answers; where it reads, it is called again if a server of the database fails meanwhile."""
    if request.method not in SAFE_METHODS:
        return await handle()
    waits = _waits()
    while True:
        try:
            return await _handle_whole(request, handle)
        except _OF_DATABASE as error:
            if not _goes_elsewhere(request):
                wait = next(waits, None)
                if wait is None or not is_away(error) or not _is_worth_waiting(request):
                    raise
                READ_FALLBACKS.labels("primary_failed").inc()
                await asyncio.sleep(wait)


async def _handle_whole(request: Request, handle: Handle) -> Response:
    """Handle a request together with the end of its transaction, which FastAPI has at another place."""
    outer = request.scope[_STACK]
    try:
        async with AsyncExitStack() as stack:
            request.scope[_STACK] = stack
            return await handle()
    finally:
        request.scope[_STACK] = outer


def _goes_elsewhere(request: Request) -> bool:
    """Return whether a replica failed for the first time; the primary is read then, whatever it was that failed.

    A replica may also cancel what is in the way of its replay, or lack a table that was made a second ago.
    """
    reading: Reading | None = getattr(request.state, "reading", None)
    if reading is None or reading.is_again or reading.target not in {"replica", "alone"}:
        return False
    READ_FALLBACKS.labels("replica_failed").inc()
    request.state.reads_again = True
    return True


def _is_worth_waiting(request: Request) -> bool:
    primary = get_database(request).primary
    return primary.is_briefly_away or not primary.is_away


def _waits() -> Iterator[float]:
    """Yield how long to wait before each further try, at random, so that those who wait do not come in step."""
    end, wait = time.monotonic() + BRIEF_SECONDS, FIRST_WAIT
    while time.monotonic() < end:
        yield wait * random.uniform(0.5, 1)  # nosec B311
        wait = min(2 * wait, LONGEST_WAIT)
