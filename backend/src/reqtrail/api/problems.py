"""Every error as an RFC 9457 problem document; nothing of the inside leaves with it.

``code`` is stable and for programs, ``detail`` is a sentence for a person. The log has the rest, by ``request_id``.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import asyncpg
import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from reqtrail.kit.errors import BadRequest, Invalid, ReqtrailError, Unauthenticated, Unavailable
from reqtrail.platform.database.away import OutcomeUnknown, is_away, sql_state
from reqtrail.platform.database.positions import DEGRADED_HEADER
from reqtrail.platform.database.session import record_refusal
from reqtrail.platform.http import BodyRefused, Replay, UnstorableText

logger = structlog.get_logger()

MEDIA_TYPE: Final = "application/problem+json"
_UNSTORABLE_STATES: Final = frozenset({"22021", "22P05"})
_DISK_FULL: Final = "53100"


class DatabaseAway(Unavailable):
    """The database cannot be reached, or is in the middle of a failover."""

    code = "database_unavailable"
    title = "The database is not available right now"


class StorageFull(Unavailable):
    """The disk of the database has no room."""

    code = "storage_full"
    title = "The disk of the database is full"


def problem(
    request: Request,
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    headers: dict[str, str] | None = None,
    **extra: Any,
) -> Response:
    """Return a problem document. What *extra* holds becomes further members, and replaces none."""
    body = {
        **extra,
        "type": f"urn:reqtrail:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": getattr(request.state, "request_id", ""),
    }
    return Response(
        orjson.dumps(body, default=str),
        status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        media_type=MEDIA_TYPE,
    )


def from_error(request: Request, error: ReqtrailError) -> Response:
    """Return the problem document of one of our own errors."""
    headers: dict[str, str] = {}
    if "retry_after" in error.extra:
        headers["Retry-After"] = str(error.extra["retry_after"])
    elif error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "2"
    if isinstance(error, DatabaseAway | OutcomeUnknown):
        headers[DEGRADED_HEADER] = "unavailable"
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="reqtrail"'
    if error.status >= 500 and not isinstance(error, Unavailable):
        logger.error("request_failed", code=error.code, exc_info=error)
    return problem(
        request,
        error.status,
        error.code,
        error.title,
        error.detail,
        headers=headers,
        **dict(error.extra),
    )


async def _own_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ReqtrailError)
    if error.audited is not None:
        await record_refusal(request, error.code, error.audited or None, error.about)
    return from_error(request, error)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error, Replay):
        headers = {"Idempotent-Replayed": "true"}
        media = "application/json" if error.answer.body else None
        return Response(error.answer.body, error.answer.status, headers=headers, media_type=media)
    if isinstance(error, BodyRefused):
        return from_error(request, error.error)
    title = HTTPStatus(error.status_code).phrase
    code = title.lower().replace(" ", "_").replace("-", "_")
    detail = {
        404: "There is nothing at this address.",
        405: f"This address does not take {request.method}.",
    }.get(error.status_code, str(error.detail))
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = methods_at(request)
    return problem(request, error.status_code, code, title, detail, headers=headers)


def methods_at(request: Request) -> str:
    """Return the methods of all routes at the address: Starlette names those of the first route alone.

    Where ``/options`` also fits ``/{id}``, the address is the former.
    """
    found: dict[str, set[str]] = {}
    for route in iter_route_contexts(request.app.routes):
        if isinstance(route.original_route, APIRoute) and route.path_regex.match(request.url.path):
            found.setdefault(route.path_format or "", set()).update(route.methods or ())
    closest = min(found, key=lambda path: path.count("{"), default="")
    return ", ".join(sorted(found.get(closest, ())))


_OWN_WORDS = {
    "extra_forbidden": "There is no such field here. Look for a misspelling, or leave it out.",
    "missing": "This field is needed.",
}


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return from_error(request, _BadJson("The body is not valid JSON (RFC 8259, UTF-8)."))
    errors = [
        {
            "field": ".".join(str(part) for part in item["loc"]),
            "message": _OWN_WORDS.get(item["type"], item["msg"]),
        }
        for item in found
    ]
    first = errors[0] if errors else {"field": "", "message": ""}
    return from_error(
        request,
        _ValidationFailed(f"{first['field']}: {first['message']}".strip(": "), errors=errors),
    )


async def _database_error(request: Request, error: Exception) -> Response:
    state = sql_state(error)
    if state in _UNSTORABLE_STATES:
        return from_error(request, UnstorableText())
    if state[:2] == "22" or _cannot_encode(error):
        logger.info("value_refused_by_database", state=state, exc_info=error)
        return from_error(request, Invalid("A value is out of the range that can be stored."))
    if state == _DISK_FULL:
        logger.error("disk_full", state=state)
        return from_error(
            request, StorageFull("Nothing was saved. An administrator has to make room.")
        )
    if is_away(error):
        logger.warning("database_away", state=state, error=type(error).__name__)
        return from_error(request, DatabaseAway("Try again in a few seconds."))
    if state in {"40001", "40P01", "55P03"}:
        logger.warning("transaction_lost", state=state)
        return from_error(request, Unavailable("Somebody else was faster; send the request again."))
    return internal(request, error)


async def _away(request: Request, error: Exception) -> Response:
    logger.warning("database_away", error=type(error).__name__)
    return from_error(request, DatabaseAway("Try again in a few seconds."))


def internal(request: Request, error: Exception) -> Response:
    """Log an error that nobody expected and return a problem document that says nothing of it."""
    logger.error("request_crashed", path=request.url.path, exc_info=error)
    return problem(
        request,
        500,
        "internal_error",
        "Internal error",
        "Something went wrong on the server. Report the request id to an administrator.",
    )


def _cannot_encode(error: Exception) -> bool:
    cause: BaseException | None = getattr(error, "orig", None)
    while cause is not None:
        if isinstance(cause, asyncpg.exceptions.DataError | UnicodeEncodeError):
            return True
        cause = cause.__cause__
    return False


class _BadJson(BadRequest):
    code = "bad_json"
    title = "The body is not JSON"


class _ValidationFailed(Invalid):
    code = "validation_failed"
    title = "The request is not valid"


def install(app: FastAPI) -> None:
    """Make *app* answer every error with a problem document."""
    app.add_exception_handler(ReqtrailError, _own_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(DBAPIError, _database_error)
    app.add_exception_handler(asyncpg.PostgresError, _database_error)
    app.add_exception_handler(asyncpg.InterfaceError, _away)
    app.add_exception_handler(PoolTimeout, _away)
    app.add_exception_handler(ConnectionError, _away)
    app.add_exception_handler(TimeoutError, _away)
