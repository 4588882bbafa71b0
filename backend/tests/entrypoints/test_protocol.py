"""What comes before a request is one: heads that are too large or too slow end their connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import repeat

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from reqtrail.entrypoints.protocol import MAX_HEAD_BYTES, GuardedProtocol

pytestmark = pytest.mark.anyio


class Impatient(GuardedProtocol):
    """The same, for tests that do not want to wait."""

    head_seconds = 0.2


async def count_bytes(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the size of the body and the number of headers."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = f"{size} {len(scope['headers'])}".encode()
    length = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def connected(
    protocol: type[GuardedProtocol] = GuardedProtocol,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server that counts."""
    config = Config(count_bytes, http=protocol, log_config=None, lifespan="off")
    config.load()
    state, loop = ServerState(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            # What the server still holds must not outlive the test's loop.
            async with asyncio.timeout(20):
                while state.connections:
                    for connection in list(state.connections):
                        connection.transport.abort()
                    await asyncio.sleep(0)


async def talk(pieces: Iterator[bytes], protocol: type[GuardedProtocol] = GuardedProtocol) -> bytes:
    """Send pieces until the other side has enough of it; return what it said."""
    async with connected(protocol) as (reader, writer):

        async def push() -> None:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)

        pushing = asyncio.create_task(push())
        try:
            async with asyncio.timeout(20):
                return await reader.read()
        except (ConnectionResetError, BrokenPipeError):
            return b"reset"
        finally:
            pushing.cancel()
            await asyncio.gather(pushing, return_exceptions=True)


REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\n"


async def test_requests_are_served() -> None:
    async with connected() as (reader, writer):
        for _ in range(3):
            writer.write(REQUEST + b"Content-Length: 100000\r\n\r\n" + b"x" * 100_000)
            writer.write(REQUEST + b"Transfer-Encoding: chunked\r\n\r\n")
            for _ in range(50):
                writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            writer.write(b"0\r\nX-Trailer: ignored\r\n\r\n")
        writer.write(REQUEST + b"Connection: close\r\n\r\n")
        text = (await reader.read()).decode()
    assert text.count("HTTP/1.1 200 OK") == 7
    assert text.count("100000 2") == 3 and text.count("204800 2") == 3 and text.endswith("0 2")


@pytest.mark.parametrize(
    "head",
    [
        repeat(b"X-A: " + b"b" * 1000 + b"\r\n"),
        repeat(b"X: y\r\n"),
        iter([b"X-A: ", *([b"b" * 1000] * 10_000)]),
    ],
    ids=["long headers", "many headers", "one endless header"],
)
async def test_a_head_without_end_is_refused(head: Iterator[bytes]) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"GET / HTTP/1.1\r\n"
        yield from head

    said = await talk(pieces())
    assert said.startswith(b"HTTP/1.1 431 ") or said == b"reset"


async def test_a_request_line_without_end_is_refused() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"GET /"
        yield from repeat(b"a" * 1000)

    said = await talk(pieces())
    assert said.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 ")) or said == b"reset"


async def test_the_framing_of_a_body_has_a_limit() -> None:
    def pieces() -> Iterator[bytes]:
        yield REQUEST + b"Transfer-Encoding: chunked\r\n\r\n"
        yield from repeat(b"1;" + b"e" * 500 + b"\r\nx\r\n")

    assert b"200 OK" not in await talk(pieces())


async def test_trailers_without_end_are_refused() -> None:
    def pieces() -> Iterator[bytes]:
        yield REQUEST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
        yield from repeat(b"X-A: " + b"b" * 1000 + b"\r\n")

    assert b"200 OK" not in await talk(pieces())


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n", b"GET"])
async def test_a_head_that_does_not_come_is_not_waited_for(begun: bytes) -> None:
    said = await talk(iter([begun]), Impatient)
    assert said.startswith(b"HTTP/1.1 408 ")


async def test_a_head_that_drips_is_not_waited_for() -> None:
    async with connected(Impatient) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n")
        drips = 0
        while not reader.at_eof() and drips < 1000:
            writer.write(b"X: y\r\n")
            drips += 1
            try:
                async with asyncio.timeout(0.02):
                    if not await reader.read(1000):
                        break
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                break
    assert drips < 1000 and drips * 6 < MAX_HEAD_BYTES


async def test_a_connection_between_requests_is_left_to_keep_alive() -> None:
    async with connected(Impatient) as (reader, writer):
        for _ in range(2):
            writer.write(REQUEST + b"Content-Length: 1\r\n\r\nx")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200") and await reader.readexactly(3) == b"1 2"
            await asyncio.sleep(Impatient.head_seconds * 1.5)


async def test_what_is_no_request_is_answered_with_a_problem() -> None:
    """As every other refusal is, so that a client reads all of them alike."""
    async with connected() as (reader, writer):
        writer.write(b"This is no HTTP\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ") and b"application/problem+json" in head
    problem = json.loads(body)
    assert problem["code"] == "bad_http" and problem["status"] == 400
    assert problem.keys() >= {"type", "title", "detail", "request_id"}
