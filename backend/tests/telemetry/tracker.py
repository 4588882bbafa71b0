"""An error tracker on the loopback address: it takes envelopes by the protocol of Sentry and keeps them."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Tracker:
    """Keeps what it was sent."""

    dsn: str = ""
    raw: list[str] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)

    def events(self, count: int) -> list[dict[str, Any]]:
        """Return the events once *count* came in; an envelope is lines of JSON."""
        until = time.monotonic() + 10
        while len(self.raw) < count and time.monotonic() < until:
            time.sleep(0.02)
        assert len(self.raw) == count
        return [json.loads(raw.splitlines()[2]) for raw in self.raw]

    def text(self) -> str:
        """Return all that came in, headers too."""
        return json.dumps([self.raw, self.heads])


@contextmanager
def tracking() -> Iterator[Tracker]:
    """Yield a tracker that listens."""
    tracker = Tracker()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/7/envelope/" or self.path == "/api/7/envelope/"
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            tracker.heads.append(dict(self.headers))
            tracker.raw.append(body.decode())
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    tracker.dsn = f"http://publickey@127.0.0.1:{server.server_port}/7"
    try:
        yield tracker
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
