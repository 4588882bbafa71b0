"""The edge: who asks and for which host is settled here, before anything else looks at a request."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_network
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reqtrail.api import problems
from reqtrail.kit.errors import ReqtrailError, UnsupportedMedia
from reqtrail.platform.allowance import verdicts
from reqtrail.platform.proxies import Proxies
from reqtrail.platform.settings import Settings
from reqtrail.platform.throttle import Throttle, headers_of

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
HEALTH: Final = "/api/v1/health/"


class UnknownHost(ReqtrailError):
    """The request is for a host name that is not this instance's."""

    status = 421
    code = "unknown_host"
    title = "This is not the host that you asked for"


class EncodedBody(UnsupportedMedia):
    """The request's body is compressed, so that its size says nothing."""

    code = "encoded_body"
    title = "Compressed bodies are not taken"


class Edge:
    """Settles address and scheme of the client, refuses foreign hosts and compressed bodies, and counts addresses."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._proxies = Proxies(settings.trusted_proxies, settings.proxy_header)
        self._hosts = _hosts(settings)
        self._always_secure = (settings.public_url or "").startswith("https:")
        self._limit = settings.rate_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection (ASGI)."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        peer = self._proxies.resolve(client[0] if client else None, "", scope["headers"])
        scope["client"] = (peer.address, client[1] if client else 0)
        if self._always_secure or peer.scheme:
            secure = self._always_secure or peer.scheme == "https"
            plain = "ws" if scope["type"] == "websocket" else "http"
            scope["scheme"] = plain + "s" * secure

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start" and (
                seen := verdicts(scope.setdefault("state", {}))
            ):
                MutableHeaders(scope=message).update(headers_of(seen))
            await send(message)

        try:
            self._admit(scope, peer.address)
        except ReqtrailError as error:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                answer = problems.from_error(Request(scope), error)
                await answer(scope, receive, send_with_limits)
            return
        await self._app(scope, receive, send_with_limits)

    def _admit(self, scope: Scope, address: str) -> None:
        """Let the request in.

        Raises:
            UnknownHost: If it is for another host.
            EncodedBody: If its body is compressed.
            RateLimited: If its address asked too often.
        """
        headers, path = Headers(scope=scope), scope["path"]
        if self._hosts and not path.startswith(HEALTH):
            named = headers.getlist("host")
            if len(named) != 1 or _host_name(named[0]) not in self._hosts:
                raise UnknownHost("Nothing is served under this host name.")
        if headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise EncodedBody("Send the body as it is, without Content-Encoding.")
        throttle: Throttle | None = getattr(scope["app"].state, "throttle", None)
        if throttle is not None and path.startswith("/api/"):
            seen = verdicts(scope.setdefault("state", {}))
            throttle.count("address", neighbourhood(address), self._limit, seen)


def _hosts(settings: Settings) -> frozenset[str]:
    """Return the host names that are served; none means any."""
    named = {name.lower() for name in settings.allowed_hosts}
    if settings.public_url is not None:
        named.add(urlsplit(settings.public_url).hostname or "")
    return frozenset(named | LOOPBACK_NAMES) if named else frozenset()


def _host_name(host: str) -> str:
    """Return the name in a Host header, without its port; "" for one that is broken."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def neighbourhood(address: str) -> str:
    """Return the address, or of an IPv6 address its network of 64 bits: that many belong to one customer."""
    if ":" in address:
        return str(ip_network((int(IPv6Address(address)), 64), strict=False))
    return address
