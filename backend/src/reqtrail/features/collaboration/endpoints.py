"""The socket over which a browser is told what others do."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Depends, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from reqtrail.features.collaboration.service.live import Live
from reqtrail.features.collaboration.types import CloseCode, Disconnected
from reqtrail.platform.http import ApiRouter
from reqtrail.platform.permissions import public

router = ApiRouter(tags=["live"])


class _Connection:
    """A WebSocket that carries texts."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def receive(self) -> str:
        """Return the next text; bytes are UTF-8."""
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise Disconnected
        text: str | None = message.get("text")
        return text if text is not None else message["bytes"].decode("utf-8", "replace")

    async def send(self, text: str) -> None:
        """Send a text."""
        try:
            await self._websocket.send_text(text)
        except (WebSocketDisconnect, RuntimeError):
            raise Disconnected from None

    async def close(self, code: int, reason: str) -> None:
        """Close it, unless it is closed."""
        if self._websocket.client_state is not WebSocketState.CONNECTED:
            return
        try:
            await self._websocket.close(code, reason)
        except (WebSocketDisconnect, RuntimeError):
            pass


@router.websocket("/live", dependencies=[Depends(public)])
async def live(websocket: WebSocket) -> None:
    """Tell of commits and people in the projects that the socket watches; it says who it is in its first message."""
    if not _from_own_site(websocket):
        await websocket.close(CloseCode.BAD_MESSAGE)
        return
    await websocket.accept()
    sockets: Live = websocket.app.state.live
    await sockets.serve(_Connection(websocket))


def _from_own_site(websocket: WebSocket) -> bool:
    """Return whether no page of another site opened the socket: nothing but a browser says whose page did."""
    origin = websocket.headers.get("origin")
    if origin is None:
        return True
    plain = "http" if websocket.url.scheme == "ws" else "https"
    own = {_place(f"{plain}://{websocket.headers.get('host', '')}")}
    public_url = websocket.app.state.settings.public_url
    if public_url is not None:
        own.add(_place(public_url))
    found = _place(origin)
    return found is not None and found in own


def _place(address: str) -> tuple[str, int] | None:
    """Return host and port of an address; None for what is none."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    default = {"http": 80, "https": 443}.get(parts.scheme)
    if parts.hostname is None or default is None:
        return None
    return parts.hostname, port or default
