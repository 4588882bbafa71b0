"""What happens around every request: its id, its log line, the limit of its body, the headers of its answer."""

from __future__ import annotations

import re
import secrets
import time
from typing import Final

import structlog
from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reqtrail.api import problems
from reqtrail.kit.errors import TooLarge
from reqtrail.platform.http import BodyRefused, UnstorableText

logger = structlog.get_logger()

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none';"
        " form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""Set on every answer that does not set them itself."""

HSTS: Final = "max-age=31536000; includeSubDomains"


class RequestContext:
    """Gives each request an id, writes one log line for it, and turns a crash into a problem document."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        begun, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
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
            logger.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                client=scope["client"][0] if scope.get("client") else "unknown",
                ms=round((time.perf_counter() - begun) * 1000, 1),
            )

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        # PostgreSQL cannot store a NUL, and no address of ours has one.
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            answer = problems.from_error(Request(scope), UnstorableText())
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(12)


class BodyLimit:
    """Refuses bodies above the limit: by their declared length at once, else as soon as they grow beyond it.

    Args:
        limit: Bytes of a body.
        form_limit: Bytes of a form with files, which goes to disk.
    """

    def __init__(self, app: ASGIApp, limit: int, form_limit: int) -> None:
        self._app = app
        self._limit = limit
        self._form_limit = form_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_form = headers.get("content-type", "").startswith("multipart/form-data")
        limit = self._form_limit if is_form else self._limit
        error = TooLarge(f"Send at most {limit // 2**20} MB.", limit=limit)
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            await problems.from_error(Request(scope), error)(scope, receive, send)
            return
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise BodyRefused(error)
            return message

        await self._app(scope, receive_limited, send)
