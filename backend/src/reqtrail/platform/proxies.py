"""Who really asks, when proxies stand in between: their headers count only from where the settings say they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, Literal, NamedTuple

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
ProxyHeader = Literal["x-forwarded-for", "forwarded"]

MAX_HOPS: Final = 20
"""Hops beyond these are not followed: no honest chain is that long."""

_PAIR: Final = re.compile(r'\s*([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*')
_SCHEMES: Final = {"http", "https"}


class Peer(NamedTuple):
    """Where a request comes from, and by which scheme it was sent."""

    address: str
    scheme: str


class Proxies:
    """The proxies whose word is taken.

    Args:
        trusted: Their addresses or networks, such as ``10.0.0.0/8``.
        header: The one header that they write. The other is never read: a client could have sent it through them.
    """

    def __init__(
        self, trusted: Iterable[str] = (), header: ProxyHeader = "x-forwarded-for"
    ) -> None:
        self._trusted: tuple[Network, ...] = tuple(ip_network(text) for text in trusted)
        self._header = header.encode()

    def resolve(
        self, client: str | None, scheme: str, headers: Iterable[tuple[bytes, bytes]]
    ) -> Peer:
        """Return the nearest hop that is no trusted proxy.

        Hops are read from the right, where the nearest proxy writes. What stands left of an untrusted hop is that hop's
        own tale, so nobody can lie about their address by sending the header along. A hop that is no address ends the
        reading at the proxy that reported it.

        Args:
            client: The address at the other end of the connection; None for a socket file.
            scheme: The scheme of that connection; the answer holds it unless a trusted proxy says another.
            headers: The request's headers, names in lower case.
        """
        address = _address(client or "")
        if address is None or not self._is_trusted(address):
            return Peer(str(address) if address else client or "unknown", scheme)
        if self._header == b"forwarded":
            hops = list(_forwarded(_joined(headers, b"forwarded")))
        else:
            found = [*headers]
            protocols = _joined(found, b"x-forwarded-proto").split(",")
            hops = [(hop.strip(), "") for hop in _joined(found, b"x-forwarded-for").split(",")]
            hops[-1] = (hops[-1][0], protocols[-1].strip().lower())
        for number, (text, protocol) in enumerate(reversed(hops[-MAX_HOPS:])):
            if number == 0 and protocol in _SCHEMES:
                scheme = protocol
            hop = _address(text)
            if hop is None:
                break
            address = hop
            if not self._is_trusted(hop):
                break
        return Peer(str(address), scheme)

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _joined(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str:
    """Return the values of all headers of a name, as the one list that they are (RFC 9110, 5.3)."""
    return ",".join(value.decode("latin-1") for name, value in headers if name == wanted)


def _forwarded(text: str) -> Iterator[tuple[str, str]]:
    """Yield ``for`` and ``proto`` of each element of a Forwarded header (RFC 7239); ("", "") for one that is broken."""
    position, node, protocol = 0, "", ""
    while position < len(text):
        pair = _PAIR.match(text, position)
        if pair is None:
            # Nothing to the right of the break can be told apart, so the whole header says nothing.
            yield "", ""
            return
        value = re.sub(r"\\(.)", r"\1", pair[2]) if pair[2] is not None else pair[3]
        if pair[1].lower() == "for":
            node = value
        elif pair[1].lower() == "proto":
            protocol = value.lower()
        position = pair.end()
        if position < len(text) and text[position] not in ";,":
            yield "", ""
            return
        if position == len(text) or text[position] == ",":
            yield node, protocol
            node, protocol = "", ""
        position += 1


def _address(text: str) -> Address | None:
    """Return an address written with or without a port or brackets; None for anything else."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return found.ipv4_mapped
        if found.scope_id is not None:
            return IPv6Address(int(found))
    return found
