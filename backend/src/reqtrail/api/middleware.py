"""What happens around every request: its id, its log line, the limit of its body, the headers of its answer."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import structlog
from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reqtrail.api import problems
from reqtrail.kit.errors import ReqtrailError, TooLarge
from reqtrail.platform.database.engine import writing
from reqtrail.platform.database.positions import DEGRADED_HEADER, POSITION_HEADER, Writing
from reqtrail.platform.http import BodyRefused, UnstorableText
from reqtrail.platform.metrics import REQUEST_SECONDS, REQUESTS, REQUESTS_OPEN

logger = structlog.get_logger()

SLOWEST: Final = 4096
"""Bytes a second."""

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self';"
    " connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
"""Of pages: everything comes from here, nothing is inline, and no other site shows them in a frame."""

API_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of answers that are no pages: should a browser show one as a page all the same, it can do nothing."""

SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""Set on every answer that does not set them itself."""

READ_ONLY: Final = "read-only"
"""What an answer says of itself that was read while the primary was away."""

CRASHED: Final = 1011
"""The code with which a socket is closed after an error that nobody expected (RFC 6455, 7.4.1)."""

HSTS: Final = "max-age=31536000; includeSubDomains"


class RequestContext:
    """Gives each request an id, writes one log line for it, and turns a crash into a problem document."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection (ASGI)."""
        if scope["type"] == "websocket":
            await self._handle_socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        written = Writing()
        writing.set(written)
        begun, status = time.perf_counter(), 0
        REQUESTS_OPEN.inc()

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                _tell_of_database(headers, written, scope)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                is_page = headers.get("content-type", "").startswith("text/html")
                policy = PAGE_POLICY if is_page else API_POLICY
                headers.setdefault("Content-Security-Policy", policy)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", HSTS)
            await send(message)

        try:
            await self._handle(scope, receive, send_with_headers)
        except Exception as error:  # the outermost place: whatever arrives here nobody expected
            answer = problems.internal(Request(scope), error)
            if status == 0:
                await answer(scope, receive, send_with_headers)
        finally:
            seconds = time.perf_counter() - begun
            operation = _operation(scope)
            REQUESTS_OPEN.dec()
            REQUESTS.labels(operation, str(status)).inc()
            REQUEST_SECONDS.labels(operation).observe(seconds)
            logger.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                client=scope["client"][0] if scope.get("client") else "unknown",
                ms=round(seconds * 1000, 1),
            )

    async def _handle_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = _request_id(Headers(scope=scope))
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # the outermost place: whatever arrives here nobody expected
            logger.error("socket_crashed", path=scope["path"], exc_info=error)
            await send({"type": "websocket.close", "code": CRASHED})

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        # PostgreSQL cannot store a NUL, and no address of ours has one.
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            answer = problems.from_error(Request(scope), UnstorableText())
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _tell_of_database(headers: MutableHeaders, written: Writing, scope: Scope) -> None:
    """Say what the next reads have to show, and that nothing can be saved at present."""
    if written.header is not None:
        headers[POSITION_HEADER] = written.header
    if scope["state"].get("is_degraded", False):
        headers[DEGRADED_HEADER] = READ_ONLY


def _operation(scope: Scope) -> str:
    """Return the name of the operation that answered, of which there are few; of all pages it is one."""
    named = getattr(scope.get("route"), "operation_id", None)
    return str(named) if named else "other" if scope["path"].startswith("/api/") else "site"


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(12)


class SlowBody(ReqtrailError):
    """The body of the request did not come in time."""

    status = 408
    code = "slow_body"
    title = "The request came too slowly"


class BodyLimit:
    """Refuses bodies above the limit: by their declared length at once, else as soon as they grow beyond it.

    It also gives up on bodies that come too slowly: nothing for *patience* seconds, or on the whole less than
    ``SLOWEST`` bytes a second after that.

    Args:
        limit: Bytes of a body.
        form_limit: Bytes of a form with files, which goes to disk.
        patience: Seconds.
        small: Bytes of a body at addresses that take less.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit: int,
        form_limit: int,
        patience: float,
        small: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._app = app
        self._limit = limit
        self._form_limit = form_limit
        self._patience = patience
        self._small = small

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_form = headers.get("content-type", "").startswith("multipart/form-data")
        limit = self._small.get(scope["path"], self._form_limit if is_form else self._limit)
        most = f"{limit // 2**20} MB" if limit >= 2**20 else f"{limit // 2**10} kB"
        too_large = TooLarge(f"Send at most {most}.", limit=limit)
        received, waited, whole, refused = 0, 0.0, False, False

        async def send_closing(message: Message) -> None:
            # What is left of a refused body is not read, so nothing can follow on this connection.
            if refused and message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        async def receive_limited() -> Message:
            nonlocal received, waited, whole, refused
            if (
                whole
            ):  # what is still to come is the end of the connection, and that may take its time
                return await receive()
            begun, left = time.monotonic(), self._patience + received / SLOWEST - waited
            try:
                async with asyncio.timeout(min(self._patience, left)):
                    message = await receive()
            except TimeoutError:
                refused = True
                raise BodyRefused(SlowBody("The body came too slowly. Send it again.")) from None
            waited += time.monotonic() - begun
            received += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if received > limit:
                refused = True
                raise BodyRefused(too_large)
            return message

        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            refused = True
            await problems.from_error(Request(scope), too_large)(scope, receive, send_closing)
            return
        await self._app(scope, receive_limited, send_closing)
