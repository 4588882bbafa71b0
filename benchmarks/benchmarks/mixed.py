"""Reads and saves at a fixed rate, whether or not earlier ones were answered: how soon each is, from when it was due.

A client that waits for answers before it asks again would hide how long a busy server lets people wait (coordinated
omission); so the time counts from the moment of the schedule.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from benchmarks.branches import Branched
from benchmarks.instance import Running
from benchmarks.report import Result, print_table

SECONDS = 60
RATES = (100, 1000)
CONNECTIONS = 64
PATIENCE_SECONDS = 30.0
"""How long answers are waited for after the last request."""
SHARES = {"one item": 50, "rows": 20, "list": 10, "outline, unchanged": 10, "save": 10}
"""Of a hundred requests."""


@dataclass
class _Seen:
    """What came of one rate: milliseconds by kind of request, and counts."""

    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: int = 0
    seconds: float = 0.0

    @property
    def answered(self) -> int:
        return sum(map(len, self.took.values()))


async def measure(found: Running, size: int) -> dict[str, list[Result]]:
    """Return a table for each rate, with two API processes and a project of *size* items."""
    bench = Branched(found, size)
    await bench.load()
    await bench.vacuum()
    results: dict[str, list[Result]] = {}
    for rate in RATES:
        seen = await _Mix(bench, found).run(rate)
        title = f"{rate:,} requests a second for {SECONDS} s, {size:,} items"
        print_table(title)
        results[title] = _results(seen, rate)
        for result in results[title]:
            print(result.line(), flush=True)
    return results


def _results(seen: _Seen, rate: int) -> list[Result]:
    rows = [
        Result(
            "answered",
            seen.answered / seen.seconds,
            limit=rate,
            bar=1.05,
            unit="a second",
            more_is_better=True,
        ),
        Result("failed or unanswered", seen.failed, unit="requests"),
    ]
    for kind, samples in seen.took.items():
        samples.sort()
        rows += [
            Result(
                f"{kind}, p{part:g}", samples[min(len(samples) - 1, int(len(samples) * part / 100))]
            )
            for part in (50, 95, 99)
        ]
    return rows


class _Mix:
    """Sends what SHARES say, over connections that are kept."""

    def __init__(self, bench: Branched, found: Running) -> None:
        parts = urlsplit(found.url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._token = found.token
        self._bench = bench
        self._base = f"/api/v1/projects/{bench.key}"
        self._chance = random.Random(1)
        self._due: asyncio.Queue[tuple[float, str, bytes]] = asyncio.Queue()
        self._etag = ""

    async def run(self, rate: int) -> _Seen:
        """Send *rate* requests a second for SECONDS."""
        seen = _Seen()
        reader, writer = await asyncio.open_connection(self._host, self._port)
        outline = f"/documents/{self._bench.document}/outline"
        _, headers = await _ask(reader, writer, self._request("GET", outline))
        self._etag = headers["etag"]
        writer.close()
        makers = self._makers(outline)
        kinds = [kind for kind, share in SHARES.items() for _ in range(share)]
        workers = [asyncio.create_task(self._work(seen)) for _ in range(CONNECTIONS)]
        began = time.perf_counter()
        for number in range(rate * SECONDS):
            due = began + number / rate
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            kind = self._chance.choice(kinds)
            self._due.put_nowait((due, kind, makers[kind]()))
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._due.join()
        except TimeoutError:
            pass
        seen.seconds = max(SECONDS, time.perf_counter() - began)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        seen.failed = rate * SECONDS - seen.answered
        return seen

    def _makers(self, outline: str) -> dict[str, Callable[[], bytes]]:
        document = self._bench.document

        def item() -> str:
            return self._bench.item_path(self._chance.randrange(self._bench.size))

        texts = [row.index for row in self._bench.corpus.rows if not row.heading]

        def save() -> bytes:
            chosen, salt = self._chance.choice(texts), str(self._chance.random())
            return self._request("POST", "/commits", self._bench.edit_of(chosen, salt))

        unchanged = self._request("GET", outline, more=f"If-None-Match: {self._etag}\r\n")
        return {
            "one item": lambda: self._request("GET", item()),
            "rows": lambda: self._request(
                "GET", f"/documents/{document}/rows?limit=50&offset={self._chance.randrange(400)}"
            ),
            "list": lambda: self._request("GET", "/items?limit=50"),
            "outline, unchanged": lambda: unchanged,
            "save": save,
        }

    def _request(self, method: str, path: str, body: bytes = b"", more: str = "") -> bytes:
        head = (
            f"{method} {self._base}{path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Authorization: Bearer {self._token}\r\n{more}"
        )
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return head.encode() + b"\r\n" + body

    async def _work(self, seen: _Seen) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            while True:
                due, kind, request = await self._due.get()
                status, _ = await _ask(reader, writer, request)
                if status < 400:
                    seen.took[kind].append((time.perf_counter() - due) * 1000)
                self._due.task_done()
        finally:
            writer.close()


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, dict[str, str]]:
    """Send *request*; return the status and the headers of the answer, whose body is read and dropped."""
    writer.write(request)
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines[1:])
    }
    length = int(headers.get("content-length", 0))
    if length:
        await reader.readexactly(length)
    return int(lines[0].split(" ", 2)[1]), headers
