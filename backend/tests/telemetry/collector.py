"""A collector of traces on the loopback address: it reads what OTLP over HTTP brings, or stands still."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from reqtrail.entrypoints.telemetry import start_telemetry
from reqtrail.entrypoints.web import create_app
from reqtrail.platform.settings import Settings
from reqtrail.platform.telemetry import tracing
from tests.fixtures.api import World

SENDER: Final = "OtelBatchSpanRecordProcessor"
"""The name of the thread that sends spans."""
ENDED_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Seen:
    """A span as it came in; ids are in hex."""

    name: str
    trace: str
    span: str
    parent: str
    kind: int
    attributes: dict[str, Any]
    service: str
    has_error: bool


@dataclass
class Collector:
    """Keeps what it was sent. While ``gate`` is closed it reads requests and answers none."""

    url: str = ""
    raw: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)

    def spans(self) -> list[Seen]:
        """Return the spans that came in so far, after asking for those that wait."""
        flush()
        return [seen for body in list(self.raw) for seen in _read(body)]

    def named(self, name: str) -> Seen:
        """Return the only span of a name."""
        (found,) = (seen for seen in self.spans() if seen.name == name)
        return found

    def text(self) -> str:
        """Return all that came in, as far as it is text."""
        flush()
        return b"".join(self.raw).decode("utf-8", "replace")


def flush() -> None:
    """Have the spans that wait sent."""
    provider: Any = tracing._Switch.provider
    if provider is not None:
        provider.force_flush()


def _read(body: bytes) -> Iterator[Seen]:
    for described in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = {item.key: item.value.string_value for item in described.resource.attributes}
        for scope in described.scope_spans:
            for span in scope.spans:
                assert not span.events and not span.trace_state and not span.status.message
                yield Seen(
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    span.kind,
                    {
                        item.key: getattr(item.value, item.value.WhichOneof("value") or "")
                        for item in span.attributes
                    },
                    resource["service.name"],
                    span.status.code == span.status.STATUS_CODE_ERROR,
                )


@contextmanager
def collecting() -> Iterator[Collector]:
    """Yield a collector that listens."""
    collector = Collector()
    collector.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.asked.set()
            if not collector.gate.wait(60) or self.path != "/v1/traces":
                return
            collector.headers.append(dict(self.headers))
            collector.raw.append(body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    collector.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield collector
    finally:
        collector.gate.set()
        server.shutdown()
        server.server_close()
        serving.join()
        _wait_for_senders()


def _wait_for_senders() -> None:
    """Wait until nothing goes on to send: its threads would disturb the tests that come after."""
    deadline = time.monotonic() + ENDED_SECONDS
    while any(thread.name.startswith(SENDER) for thread in threading.enumerate()):
        assert time.monotonic() < deadline, threading.enumerate()
        time.sleep(0.05)


@asynccontextmanager
async def traced(settings: Settings, **changes: Any) -> AsyncIterator[World]:
    """Yield a world of an application of its own, made with other settings of telemetry."""
    changed = Settings.model_validate(
        {**{name: getattr(settings, name) for name in settings.model_fields_set}, **changes}
    )
    app = create_app(changed, start_telemetry(changed, "api"))
    async with app.router.lifespan_context(app):
        world = World(app)
        try:
            yield world
        finally:
            await world.aclose()
