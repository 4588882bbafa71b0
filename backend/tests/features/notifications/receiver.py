"""The other side of a webhook: a server of this machine that keeps what it is sent and answers as it is told."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any


@dataclass(frozen=True)
class Request:
    """A request as it came in; names of headers are in lower case."""

    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body as JSON."""
        content: dict[str, Any] = json.loads(self.body)
        return content

    def is_signed_with(self, secret: str) -> bool:
        """Check the signature by the text of the Standard Webhooks specification, without code of the product."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode()
        wanted = base64.b64encode(hmac.new(key, signed + self.body, sha256).digest()).decode()
        return f"v1,{wanted}" in self.headers["webhook-signature"].split(" ")


@dataclass
class Receiver:
    """Keeps requests, and answers with the next of ``answers``, or with 204, while ``gate`` is open.

    Attributes:
        asked: Set as soon as a request has come in.
    """

    port: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[Request] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address that a webhook sends to."""
        return f"http://127.0.0.1:{self.port}/in/a-secret-path"

    def sequences(self) -> list[int]:
        """Return the commits that were told, in the order of their arrival."""
        told = [request.json() for request in self.requests]
        return [one["data"]["commit"]["seq"] for one in told if one["type"] == "commit.created"]

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
        headers = {name.lower(): value for name, _, value in lines}
        body = await reader.readexactly(int(headers["content-length"]))
        self.requests.append(Request(headers, body))
        self.asked.set()
        await self.gate.wait()
        status = self.answers.pop(0) if self.answers else 204
        where = "Location: http://127.0.0.1:1/\r\n" if 300 <= status < 400 else ""
        writer.write(f"HTTP/1.1 {status} Told\r\n{where}Content-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Run a receiver within the context."""
    made = Receiver()
    made.gate.set()
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        await made._answer(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        made.port = server.sockets[0].getsockname()[1]
        yield made
    async with asyncio.timeout(20):
        await asyncio.gather(*serving, return_exceptions=True)
