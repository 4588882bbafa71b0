"""The sessions of a request.

Both dependencies have the *function* scope: FastAPI's default scope ends a generator dependency after the response
has been sent, so a failed commit would still answer 201.

Every writing session of a request has the request's trail, and so leaves one audit event when it commits. A route that
opens its transaction itself does it by :func:`request_session`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final

import structlog
from fastapi import Depends, Request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.kit.redaction import is_secret_name
from reqtrail.platform.auditing import (
    Source,
    Subject,
    Trail,
    attach_trail,
    copied,
    open_trail,
    record,
)
from reqtrail.platform.database.engine import Database
from reqtrail.platform.database.positions import POSITION_HEADER, Reading, read_position
from reqtrail.platform.http import client_address

logger = structlog.get_logger()

SAFE_METHODS: Final = frozenset({"GET", "HEAD"})

_ID_SUFFIX: Final = re.compile(r"_id$")


def get_database(request: Request) -> Database:
    """Return the database of the running application."""
    database: Database = request.app.state.database
    return database


def trail_of(request: Request) -> Trail:
    """Return the trail of a request: the same one for all its sessions."""
    trail: Trail | None = getattr(request.state, "trail", None)
    if trail is None:
        operation = getattr(request.scope.get("route"), "operation_id", None)
        source = Source(
            operation=str(operation or "call_api"),
            address=client_address(request),
            user_agent=request.headers.get("user-agent"),
            request_id=getattr(request.state, "request_id", None),
        )
        trail = Trail(source, subject=_subject(request.path_params))
        request.state.trail = trail
    return trail


def _subject(parameters: Mapping[str, Any]) -> Subject | None:
    """Return what the last parameter of a path names: ``/branches/{branch_id}`` is about a branch."""
    for name in reversed(list(parameters)):
        if not is_secret_name(name):
            return _ID_SUFFIX.sub("", name), str(parameters[name])
    return None


@asynccontextmanager
async def request_session(request: Request) -> AsyncIterator[AsyncSession]:
    """Yield a session that is one transaction of a request and leaves one audit event."""
    async with get_database(request).session() as session:
        trail = trail_of(request)
        open_trail(session, trail.source, trail=trail)
        yield session


async def record_read(
    request: Request,
    action: str,
    subject: Subject | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Keep an event of a read that is worth one, an export or a download, before its answer leaves."""
    trail = copied(trail_of(request))
    trail.action, trail.subject = action, subject or trail.subject
    trail.details.update(details or {})
    await record(get_database(request), trail)


async def record_refusal(
    request: Request, code: str, action: str | None = None, subject: Subject | None = None
) -> None:
    """Keep an event of a request that was refused; a database that is away does not change the refusal."""
    trail = copied(trail_of(request))
    trail.action, trail.outcome, trail.subject = action, "refused", subject or trail.subject
    trail.details["refusal"] = code
    try:
        await record(get_database(request), trail)
    except (SQLAlchemyError, OSError) as error:
        logger.warning("refusal_not_recorded", code=code, error=type(error).__name__)


def reading_of(request: Request) -> Reading:
    """Return how *request* reads.

    It may go to a replica if it only reads and its client keeps positions. Another client expects to see what it wrote.
    """
    after = None
    if request.method in SAFE_METHODS:
        after = read_position(request.headers.get(POSITION_HEADER))
    affinity = zlib.crc32(request.headers.get("authorization", "").encode())
    return Reading(after, affinity, is_again=getattr(request.state, "reads_again", False))


async def _write_session(request: Request) -> AsyncIterator[AsyncSession]:
    async with request_session(request) as session:
        yield session


async def _read_session(request: Request) -> AsyncIterator[AsyncSession]:
    database = get_database(request)
    reading = request.state.reading = reading_of(request)
    if database.replicas is not None:
        reading.subjects = await request.app.state.subjects_of(request)
    async with database.read_session(reading) as session:
        request.state.is_degraded = reading.target == "alone" or database.primary.is_away
        attach_trail(session, trail_of(request))
        yield session


WriteSession = Annotated[AsyncSession, Depends(_write_session, scope="function")]
ReadSession = Annotated[AsyncSession, Depends(_read_session, scope="function")]
