"""One connection: what is written to it, and what it sends."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Final

import orjson
from pydantic import ValidationError

from reqtrail.features.collaboration.errors import MessageInvalid, ReadsTooSlowly, SocketEnds
from reqtrail.features.collaboration.schemas import INCOMING, Incoming
from reqtrail.features.collaboration.service.mailbox import Mailbox
from reqtrail.features.collaboration.service.rooms import Watch
from reqtrail.features.collaboration.types import Message, Transport
from reqtrail.features.identity.public import Actor, Credential
from reqtrail.kit.errors import ReqtrailError
from reqtrail.kit.ids import new_id
from reqtrail.platform.encoding import json_bytes
from reqtrail.platform.metrics import TOLD

SEND_SECONDS: Final = 15.0
"""How long one message may take to be taken by the other side."""


class Socket:
    """One connection whose owner is known.

    Args:
        good_until: When its access token ends, in seconds since the epoch; None for an API token.
    """

    def __init__(
        self,
        transport: Transport,
        credential: Credential,
        actor: Actor,
        good_until: float | None,
    ) -> None:
        self.socket_id = str(new_id())
        self.transport = transport
        self.credential = credential
        self.actor = actor
        self.good_until = good_until
        self.mailbox = Mailbox()
        self.watched: dict[str, Watch] = {}
        self.checked_at = time.monotonic()
        self.ended: asyncio.Future[SocketEnds] = asyncio.get_running_loop().create_future()

    def end(self, reason: SocketEnds) -> None:
        """Have it closed."""
        if not self.ended.done():
            self.ended.set_result(reason)


def tell(socket: Socket, message: Message) -> None:
    """Send a message that answers none; one that reads too slowly ends."""
    try:
        socket.mailbox.reply(message)
    except ReadsTooSlowly as error:
        socket.end(error)


async def close(transport: Transport, reason: SocketEnds) -> None:
    """Close a connection, unless the other side takes nothing any more; then the server cuts it off."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SEND_SECONDS):
            await transport.close(reason.close, reason.code)


async def write_out(socket: Socket) -> None:
    """Send what its mailbox gets, until cancelled.

    Raises:
        ReadsTooSlowly: If the other side takes nothing.
        Disconnected: If it is gone.
    """
    while True:
        for message in await socket.mailbox.take():
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await socket.transport.send(json_bytes(message).decode())
                    TOLD.labels(message["type"]).inc()
            except TimeoutError:
                raise ReadsTooSlowly("Messages were not read in time.") from None


def parse(text: str) -> Incoming:
    """Return the message that a text is.

    Raises:
        MessageInvalid: If it is none that is known.
    """
    try:
        return INCOMING.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise MessageInvalid(f"{place}: {first['msg']}" if place else first["msg"]) from None


def project_of(text: str) -> str | None:
    """Return the project that a message names, to say what a refusal is about."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    project = found.get("project") if isinstance(found, dict) else None
    return project if isinstance(project, str) else None


def problem(error: ReqtrailError, project: str | None) -> dict[str, str | None]:
    """Return the message that tells of a refusal."""
    return {
        "type": "problem",
        "code": error.code,
        "title": error.title,
        "detail": error.detail,
        "project": project,
    }
