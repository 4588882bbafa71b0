"""A client that can hang up: HTTP/1.1 by hand, one connection a request.

A library would hide what these tests are about: whether the request left before the connection was closed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

READ_LIMIT_SECONDS = 60.0
Query = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Answer:
    """What the server said; ``replayed`` if it is the answer that the same request got before."""

    status: int
    content: Any
    replayed: bool = False


class Api:
    """Several API processes of one installation, seen by one account."""

    def __init__(self, ports: list[int], token: str) -> None:
        self._ports = ports
        self._token = token

    async def ask(
        self,
        process: int,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Query | None = None,
        key: str | None = None,
    ) -> Answer:
        """Send a request to one of the processes and return its answer.

        Args:
            process: Any number; it chooses the process in turns.
            key: The ``Idempotency-Key``.

        Raises:
            ConnectionError: If the connection ended before the answer did.
            TimeoutError: If the answer takes longer than READ_LIMIT_SECONDS.
        """
        reader, writer = await self._send(process, method, path, body, query, key)
        try:
            raw = await asyncio.wait_for(reader.read(), READ_LIMIT_SECONDS)
        finally:
            writer.close()
        return _parsed(raw)

    async def hang_up(
        self,
        process: int,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Query | None = None,
        key: str | None = None,
        after: float = 0.0,
        cut: int = 0,
    ) -> None:
        """Send a request and close the connection *after* so many seconds without reading what comes.

        Args:
            cut: So many bytes at the end of the body are never sent.
        """
        _, writer = await self._send(process, method, path, body, query, key, cut)
        await writer.drain()
        await asyncio.sleep(after)
        writer.transport.abort()

    async def _send(
        self,
        process: int,
        method: str,
        path: str,
        body: Any,
        query: Query | None,
        key: str | None,
        cut: int = 0,
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        port = self._ports[process % len(self._ports)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        content = b"" if body is None else json.dumps(body).encode()
        target = f"/api/v1{path}" + (f"?{urlencode(query, doseq=True)}" if query else "")
        head = [
            f"{method} {target} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            f"Authorization: Bearer {self._token}",
            "Connection: close",
            "Content-Type: application/json",
            f"Content-Length: {len(content)}",
            *([f"Idempotency-Key: {key}"] if key else []),
        ]
        writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + content[: len(content) - cut])
        return reader, writer


def _parsed(raw: bytes) -> Answer:
    head, separator, body = raw.partition(b"\r\n\r\n")
    if not separator:
        raise ConnectionError("the connection ended before the answer began")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    if len(body) != int(headers.get("content-length", len(body))):
        raise ConnectionError("the connection ended before the answer did")
    content = json.loads(body) if body else None
    return Answer(int(first.split(" ")[1]), content, "idempotent-replayed" in headers)
