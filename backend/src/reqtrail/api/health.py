"""Whether the process lives, and whether it can serve."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Depends, Request, Response
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from reqtrail.platform.conditional import json_response
from reqtrail.platform.database.positions import Reading
from reqtrail.platform.database.session import get_database
from reqtrail.platform.http import ApiRouter
from reqtrail.platform.permissions import public

router = ApiRouter(prefix="/health", tags=["health"], dependencies=[Depends(public)])

CHECK_SECONDS = 3.0
READ_ONLY = "read-only"

_STATE = text(
    "SELECT version_num, row_security_active('projects'), pg_is_in_recovery() FROM alembic_version"
)


@router.get("/live", operation_id="get_liveness", response_model=dict[str, str])
async def live() -> dict[str, str]:
    """Tell that the process answers."""
    return {"status": "ok"}


@router.get(
    "/ready",
    operation_id="get_readiness",
    response_model=dict[str, Any],
    responses={
        503: {
            "description": "The database is away, its schema is not this build's, or its login sees every project."
        }
    },
)
async def ready(request: Request) -> Response:
    """Tell whether requests can be served: the database answers and has this build's schema.

    A login that row-level security does not bind would take the second wall away from every project.
    While a replica answers for a primary that is away, reads are served: `read-only`, and ready.
    Redis is reported, but its absence is no reason not to serve.
    """
    database, cache = await asyncio.gather(_database(request), _redis(request))
    status = {"ok": "ok", READ_ONLY: READ_ONLY}.get(database, "unavailable")
    body = {"status": status, "database": database, "redis": cache}
    return json_response(body, status=503 if status == "unavailable" else 200)


async def _database(request: Request) -> str:
    reading = Reading()
    try:
        async with (
            asyncio.timeout(CHECK_SECONDS),
            get_database(request).read_session(reading) as session,
        ):
            found = await session.execute(_STATE)
            revision, is_walled, is_standby = found.one()
    except (SQLAlchemyError, OSError):
        return "away"
    if revision != request.app.state.schema_head:
        return "not migrated"
    if not is_walled:
        return "not walled"
    return READ_ONLY if reading.target == "alone" or is_standby else "ok"


async def _redis(request: Request) -> str:
    redis: Redis | None = request.app.state.redis
    if redis is None:
        return "not configured"
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await redis.ping()
    except (RedisError, OSError):
        return "away"
    return "ok"
