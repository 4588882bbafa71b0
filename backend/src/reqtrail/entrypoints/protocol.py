"""HTTP/1.1 as uvicorn speaks it, with limits for what comes before the application sees a request."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any, Final

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MAX_HEAD_BYTES: Final = 65_536
"""Of request line and headers, and of trailers and the framing of chunks beyond an eighth of the body."""
_TOO_LARGE: Final = "431 Request Header Fields Too Large"
_TOO_SLOW: Final = "408 Request Timeout"


class GuardedProtocol(HttpToolsProtocol):
    """Ends a connection whose request's head is too large or too slow; the parser itself would wait for ever."""

    head_seconds = 20.0
    """How long the head of a request may take to arrive. Bodies have their own limit (``api/middleware``)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._received = self._content = 0
        self._in_head = True
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, unless it is too much for what it holds."""
        if self._in_head:
            self._wait_for_head()
        self._received += len(data)
        super().data_received(data)
        if self._received > MAX_HEAD_BYTES + self._content + self._content // 8:
            self._refuse(_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A request begins; what came in the same piece as the end of the last one counts for neither."""
        super().on_message_begin()
        self._received = self._content = 0

    def on_headers_complete(self) -> None:
        """The head is there: what comes now is body, or trailers."""
        self._head_came()
        self._in_head = False
        self._received = 0
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what comes after the body is thrown away, as nothing here reads trailers."""
        if self._in_head:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Count what is content."""
        self._content += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole; the head of the next one may come."""
        super().on_message_complete()
        self._in_head = True
        self._received = self._content = 0

    def send_400_response(self, msg: str) -> None:
        """Answer to what is no HTTP request, or has an address that is too long to read."""
        problem = {
            "type": "urn:reqtrail:problem:bad_http",
            "title": "The request cannot be read",
            "status": 400,
            "detail": "This is no HTTP request that can be read, or its address is too long.",
            "code": "bad_http",
            "request_id": secrets.token_hex(12),
        }
        body = orjson.dumps(problem)
        head = (
            "HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over."""
        self._head_came()
        super().handle_websocket_upgrade()

    def _wait_for_head(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(self.head_seconds, self._refuse, _TOO_SLOW)

    def _head_came(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self, status: str) -> None:
        if self.transport.is_closing():
            return
        busy = self.cycle is not None and not self.cycle.response_complete
        if not busy:  # an answer that has begun cannot become another one
            text = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            self.transport.write(text.encode())
        self.transport.close()


class GuardedSocket(WebSocketsSansIOProtocol):
    """Cuts off a socket whose other side does not read: nothing else would, as long as it acknowledges packets.

    While it does not read, nothing is read of it either: pings would be answered into a buffer that nobody empties.
    """

    stuck_seconds = 20.0
    """How long what was sent may wait to be taken."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stuck: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """The buffer is full: wait for it to be emptied, and no longer than that."""
        super().pause_writing()
        self.transport.pause_reading()
        self._stuck = self.loop.call_later(self.stuck_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The other side reads again."""
        self._unstuck()
        if not self.transport.is_closing():
            self.transport.resume_reading()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._unstuck()
        super().connection_lost(exc)

    def _unstuck(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None
