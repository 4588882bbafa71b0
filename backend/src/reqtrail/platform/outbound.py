"""Requests to addresses that people typed in. They cannot reach inside.

An address is taken apart once, strictly, and put together from its parts again, so that no second reader understands it
differently. Its name is resolved once, every address of it is checked, and the connection goes to one of those very
addresses, so a name that changes meanwhile changes nothing. There are no redirects and no proxies of the environment.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final
from urllib.parse import quote, urlsplit

import httpcore

from reqtrail.kit.errors import Invalid

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Awaitable[list[str]]]

CLOSED: Final = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24"),
        *("192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
        "168.63.129.16/32",  # a cloud's inner services, at an address that looks public
        *("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
)
"""What is not the public internet (IANA's special-purpose registries), tunnels that lead anywhere included."""
OPEN_IPV6: Final = ip_network("2000::/3")
NAT64: Final = ip_network("64:ff9b::/96")
_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE})

_PRINTABLE: Final = re.compile(r"[!-\[\]-~]+")
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER: Final = re.compile(r"\d+|0x[0-9a-f]*")
_INNER_ENDINGS: Final = frozenset(
    {"localhost", "local", "internal", "intranet", "lan", "home", "corp"}
)
_NEEDS_TLS: Final = "Use an https address: what is sent over the internet is encrypted."
PORTS: Final = {"http": 80, "https": 443}
LOWEST_FREE_PORT: Final = 1024
_PATH: Final = "/:@!$&'()*+,;=~%-._"
_QUERY: Final = _PATH + "?"


class AddressRefused(Invalid):
    """Nothing is sent to this address."""

    code = "address_refused"
    title = "This address is not reachable from here"


class OutboundFailed(Exception):
    """The other side could not be reached, broke off, or answered too slowly; ``str()`` says which."""


@dataclass(frozen=True)
class Target:
    """An address in its parts."""

    scheme: str
    host: str
    """In lower case; an IPv6 address without brackets."""
    port: int
    target: str
    """Path and query."""

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True)
class Reply:
    """What the other side answered; ``body`` is cut at the limit."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Limits:
    """What an answer may cost."""

    seconds: float = 10.0
    connect_seconds: float = 5.0
    body_bytes: int = 65_536


def parse(url: str) -> Target:
    """Return the parts of *url*.

    Raises:
        AddressRefused: If it is no plain ``http`` or ``https`` address of a full host name or an IP address.
    """
    if len(url) > 2000 or not _PRINTABLE.fullmatch(url):
        raise AddressRefused("Write the address in plain letters, without blanks or backslashes.")
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").lower()
    except ValueError:
        raise AddressRefused("This is no address that can be read.") from None
    if parts.scheme not in PORTS:
        raise AddressRefused("Only http and https addresses are reached.")
    if "%" in host:
        raise AddressRefused("Leave the zone out of the IPv6 address.")
    if "[" in parts.netloc and _literal(host) is None:
        raise AddressRefused("Between brackets belongs an IPv6 address.")
    if "@" in parts.netloc:
        raise AddressRefused("Leave user name and password out of the address.")
    if port is None:
        port = PORTS[parts.scheme]
    if port not in PORTS.values() and port < LOWEST_FREE_PORT:
        raise AddressRefused(f"Port {port} belongs to another kind of service.")
    path = quote(parts.path or "/", safe=_PATH)
    query = f"?{quote(parts.query, safe=_QUERY)}" if parts.query else ""
    return Target(parts.scheme, host, port, path + query)


@dataclass(frozen=True)
class Outbound:
    """Sends requests to the public internet, and to what the settings allow besides.

    Args:
        allowed: Host names, addresses and networks inside that may be reached all the same.
        resolver: Gives the addresses of a name; the system's unless a test says otherwise.
        require_tls: Whether what goes over the internet must be encrypted; inside it need not be.
    """

    allowed: Iterable[str] = ()
    resolver: Resolver | None = None
    limits: Limits = field(default_factory=Limits)
    require_tls: bool = False

    def check(self, url: str) -> Target:
        """Return the parts of *url* if nothing in the address itself forbids it; its name is not looked up.

        Raises:
            AddressRefused: If the address is none, or leads inside whatever its name means.
        """
        target = parse(url)
        literal = _literal(target.host)
        if literal is not None:
            self._check_open(target, literal)
        elif not self._is_named(target):
            _check_name(target.host)
            if self.require_tls and target.scheme != "https" and not self._networks():
                raise AddressRefused(_NEEDS_TLS)
        return target

    async def vet(self, url: str) -> tuple[Target, list[Address]]:
        """Return the parts of *url* and the addresses that it may be fetched from.

        Raises:
            AddressRefused: If the address is none, or one of its addresses lies inside.
            OutboundFailed: If its name is not known.
        """
        target = self.check(url)
        literal = _literal(target.host)
        found = [literal] if literal is not None else await self._resolve(target)
        for address in found:
            self._check_open(target, address)
        return target, found

    def _check_open(self, target: Target, address: Address) -> None:
        inner = unwrapped(address)
        inside = self._is_named(target) or any(inner in network for network in self._networks())
        if not inside and not is_public(address):
            raise AddressRefused(f"{target.host} is not on the public internet.")
        if not inside and self.require_tls and target.scheme != "https":
            raise AddressRefused(_NEEDS_TLS)

    def _is_named(self, target: Target) -> bool:
        return target.host in {name.lower() for name in self.allowed}

    def _networks(self) -> list[IPv4Network | IPv6Network]:
        return [ip_network(text) for text in self.allowed if _is_network(text)]

    async def fetch(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes = b""
    ) -> Reply:
        """Send one request and return the answer, redirects as they are.

        Raises:
            AddressRefused: As ``vet`` does.
            OutboundFailed: If there is no answer in time.
        """
        try:
            async with asyncio.timeout(self.limits.seconds):
                target, addresses = await self.vet(url)
                return await self._send(method, target, addresses, headers, content)
        except TimeoutError:
            raise OutboundFailed(f"No answer within {self.limits.seconds:g} seconds.") from None
        except ssl.SSLError as error:
            raise OutboundFailed(f"TLS: {error.reason or 'failed'}.") from None
        except (httpcore.NetworkError, httpcore.TimeoutException, OSError) as error:
            raise OutboundFailed(f"No connection: {str(error) or type(error).__name__}.") from None
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol):
            # What came instead is not repeated: it may be the greeting of some other service.
            raise OutboundFailed("The answer is not HTTP.") from None
        except (OutboundFailed, AddressRefused):
            raise
        except Exception as error:
            # Libraries below raise what they do not document, and an address must not end the process that asks.
            raise OutboundFailed(f"The request failed: {type(error).__name__}.") from None

    async def _send(
        self,
        method: str,
        target: Target,
        addresses: list[Address],
        headers: Mapping[str, str],
        content: bytes,
    ) -> Reply:
        own: dict[bytes | str, bytes | str] = {
            "Host": target.authority,
            "Content-Length": str(len(content)),
            **dict(headers.items()),
        }
        pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_keepalive_connections=0,
            network_backend=_Pinned(addresses),
        )
        url = httpcore.URL(
            scheme=target.scheme, host=target.host, port=target.port, target=target.target
        )
        timeout = dict.fromkeys(("read", "write", "pool"), self.limits.seconds)
        timeout["connect"] = self.limits.connect_seconds
        async with (
            pool,
            pool.stream(
                method, url, headers=own, content=content, extensions={"timeout": timeout}
            ) as answer,
        ):
            body = b""
            async for piece in answer.aiter_stream():
                body += piece
                if len(body) >= self.limits.body_bytes:
                    break
        received = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in answer.headers
        }
        return Reply(answer.status, received, body[: self.limits.body_bytes])

    async def _resolve(self, target: Target) -> list[Address]:
        try:
            found = await (self.resolver or _system_resolver)(target.host, target.port)
        except (OSError, UnicodeError):
            raise OutboundFailed(f"The name {target.host} is not known.") from None
        addresses = [ip_address(text.partition("%")[0]) for text in dict.fromkeys(found)]
        if not addresses:
            raise OutboundFailed(f"The name {target.host} is not known.")
        return addresses


def unwrapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for (mapped, or by NAT64), else the address itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to the public internet."""
    address = unwrapped(address)
    if isinstance(address, IPv6Address):
        if address not in OPEN_IPV6 or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
            return False
    return not any(address in network for network in CLOSED)


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _literal(host: str) -> Address | None:
    """Return the address that a host is, in its one proper spelling; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _check_name(host: str) -> None:
    """Accept a full name of the public kind.

    Raises:
        AddressRefused: If it is a number in disguise, a name of inside, or no name.
    """
    labels = host.removesuffix(".").split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressRefused("The address has no host name that can be read.")
    if _NUMBER.fullmatch(labels[-1]):
        raise AddressRefused("Write an IP address as four decimal numbers.")
    if len(labels) < 2 or labels[-1] in _INNER_ENDINGS:
        raise AddressRefused(f"{host} is not a name of the public internet.")


async def _system_resolver(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class _Pinned(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were checked, whatever name the request is for; TLS still checks the name."""

    def __init__(self, addresses: list[Address]) -> None:
        self._addresses = addresses
        self._real = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of the checked addresses that answers."""
        failure: Exception = OSError(f"{host} has no address")
        for address in self._addresses:
            try:
                return await self._real.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._real.sleep(seconds)
