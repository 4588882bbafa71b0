"""Requests to typed-in addresses reach the public internet, what the settings allow, and nothing else."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from pathlib import Path

import pytest

from reqtrail.platform.outbound import (
    AddressRefused,
    Limits,
    Outbound,
    OutboundFailed,
    Resolver,
    is_public,
    parse,
)

pytestmark = pytest.mark.anyio

PUBLIC = "93.184.215.14"


def names(*addresses: str) -> Resolver:
    """A resolver that gives these addresses for every name."""

    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    return resolve


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.0.9"),
        *("169.254.169.254", "169.254.170.2", "168.63.129.16", "172.16.0.1", "172.31.255.255"),
        *("192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.51.100.7"),
        *("203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "100::1"),
        *("::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::7f00:1", "::169.254.169.254"),
        *("::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1"),
        *("2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:4136:e378::", "2001:db8::1", "2001:10::1"),
        *("3fff::1", "4000::1", "2a00:1450::5efe:7f00:1", "2a00:1450::200:5efe:a9fe:a9fe"),
    ],
)
def test_what_is_not_the_public_internet_is_closed(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        PUBLIC,
        "172.32.0.1",
        "192.0.1.1",
        "2606:4700::1111",
        f"::ffff:{PUBLIC}",
        "64:ff9b::101:101",
    ],
)
def test_the_public_internet_is_open(address: str) -> None:
    assert is_public(ip_address(address))


async def _verdict(outbound: Outbound, url: str) -> str:
    try:
        await outbound.vet(url)
    except AddressRefused:
        return "refused"
    return "let through"


async def test_every_address_of_the_corpus_is_judged_as_it_should_be(shared_folder: Path) -> None:
    """Whatever the names mean: if inside, all is refused; if outside, what spells an inner address still is."""
    urls = json.loads((shared_folder / "corpora" / "ssrf_urls.json").read_text())
    inside, outside = Outbound(resolver=names("127.0.0.1")), Outbound(resolver=names(PUBLIC))
    mixed = Outbound(resolver=names(PUBLIC, "fd00::1"))
    for url in urls:
        assert await _verdict(inside, url) == "refused", url
        assert await _verdict(mixed, url) == "refused", url
    passed = {url for url in urls if await _verdict(outside, url) == "let through"}
    hosts = {parse(url).host for url in passed}
    assert hosts == {
        *("1u.ms", "307.r3dir.me", "62epax5fhvj3zzmzigyoe5ipkbn7fysllvges3a.302.r3dir.me"),
        *("developer.mozilla.org", "developers.digitalocean.com", "example.com", "google.com"),
        *("help.redacted.com", "metadata.packet.net", "nicob.net", "rancher.com"),
        *("www.blackhat.com", "www.googleapis.com", "www.root-me.org", "www.tcpipguide.com"),
    }
    assert len(urls) == 114


@pytest.mark.parametrize(
    "url",
    [
        *("", "http://", "http:///x", "//example.com/", "example.com", "javascript:alert(1)"),
        *("http://user:pw@example.com/", "http://example.com@127.0.0.1/", "http://a b.com/"),
        *("http://example.com\\@127.0.0.1/", "http://example.com:99999/", "http://example.com:x/"),
        *("http://example.com:22/", "http://example.com:25/", "http://EXAMPLE.local/", "http://x/"),
        *("http://localhost./", "http://127.0.0.1./", "http://127.1/", "http://0x7f.1/"),
        *("http://2130706433/", "http://017700000001/", "http://127.0.0.01/", "http://1.2.3.4.5/"),
        *("http://exa\u2024mple.com/", "http://１２７.0.0.1/", "http://a..com/", "http://-a.com/"),
        *("http://[::1]/", "http://[fe80::1%25eth0]/", "http://[::ffff:127.0.0.1]/"),
        *("http://a.com\r\nX: y/", "http://a.com/\tb", "http://" + "a" * 300 + ".com/"),
        *("http://service.internal/", "http://db.corp/", "http://[v1.fe80]/"),
    ],
)
async def test_odd_addresses_are_refused(url: str) -> None:
    assert await _verdict(Outbound(resolver=names(PUBLIC)), url) == "refused"


async def test_what_goes_over_the_internet_is_encrypted_where_that_is_asked_for() -> None:
    outside = Outbound(("10.0.0.0/8", "ci.corp"), names(PUBLIC), require_tls=True)
    inside = Outbound(("10.0.0.0/8", "ci.corp"), names("10.1.2.3"), require_tls=True)
    assert await _verdict(outside, "https://hook.example.org/") == "let through"
    assert await _verdict(outside, "http://hook.example.org/") == "refused"
    assert await _verdict(inside, "http://hook.example.org/") == "let through"
    assert await _verdict(inside, "http://ci.corp/") == "let through"
    assert await _verdict(outside, f"http://{PUBLIC}/") == "refused"


def test_what_an_address_says_itself_needs_no_lookup() -> None:
    """Its name is looked up when something is sent, not while a request of the API waits."""

    async def never(host: str, port: int) -> list[str]:
        raise AssertionError("a name was looked up")

    outbound = Outbound(("10.0.0.0/8",), never, require_tls=True)
    assert outbound.check("https://hook.example.org/x").host == "hook.example.org"
    assert outbound.check("http://10.1.2.3/x").host == "10.1.2.3"
    for url in (
        "https://127.0.0.1/",
        "https://localhost/",
        f"http://{PUBLIC}/",
        "https://2130706433/",
    ):
        with pytest.raises(AddressRefused):
            outbound.check(url)
    with pytest.raises(AddressRefused):
        Outbound(require_tls=True).check("http://hook.example.org/")


async def test_no_address_raises_anything_else() -> None:
    """The process that asks does more than that; a zone of 70 letters once ended it."""
    zone = "a" * 70
    with pytest.raises(AddressRefused):
        await Outbound().fetch("POST", f"https://[2606:4700::1111%{zone}]/", headers={})

    async def broken(host: str, port: int) -> list[str]:
        raise RuntimeError("of a library")

    with pytest.raises(OutboundFailed, match="RuntimeError"):
        await Outbound(resolver=broken).fetch("GET", "https://example.org/", headers={})


async def test_what_comes_instead_of_http_is_not_repeated() -> None:
    """It may be the greeting of some other service, or a megabyte of it."""
    async with server(b"-ERR inner banner " + b"\x01" * 90_000 + b"\r\n\r\n") as (port, _):
        with pytest.raises(OutboundFailed) as caught:
            await local("127.0.0.0/8").fetch("POST", f"http://a.example.org:{port}/", headers={})
    assert str(caught.value) == "The answer is not HTTP."


async def test_an_address_is_put_together_from_its_parts() -> None:
    target = parse("HTTPS://Example.COM:8443/a/../b?q=1 2#frag".replace(" ", "%20"))
    assert (target.scheme, target.host, target.port) == ("https", "example.com", 8443)
    assert (target.authority, target.target) == ("example.com:8443", "/a/../b?q=1%202")
    assert parse("http://[2606:4700::1111]").authority == "[2606:4700::1111]"


async def test_a_name_that_is_not_known_is_a_failure() -> None:
    with pytest.raises(OutboundFailed, match=r"not known"):
        await Outbound(resolver=names()).fetch("GET", "http://example.com/", headers={})


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(answer: bytes, *, hang: bool = False) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server on this machine: its port, and the requests that it got."""
    seen: list[bytes] = []

    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            with suppress(ConnectionError):
                seen.append(await reader.read(65_536))
                writer.write(answer)
                await writer.drain()
                if hang:
                    await reader.read()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    made = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with made:
        yield made.sockets[0].getsockname()[1], seen
    # The client has gone away by now; what the server still holds must not outlive the test's loop.
    async with asyncio.timeout(20):
        await asyncio.gather(*serving, return_exceptions=True)


def local(*allowed: str, **limits: float) -> Outbound:
    """What reaches this machine under any name, if that is allowed."""
    return Outbound(allowed, names("127.0.0.1"), Limits(**limits))  # type: ignore[arg-type]


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


async def test_the_connection_goes_to_the_checked_address_under_the_name() -> None:
    async with server(OK) as (port, seen):
        url = f"http://hook.example.org:{port}/in?a=b"
        outbound = local("127.0.0.0/8")
        reply = await outbound.fetch("POST", url, headers={"X-Kind": "test"}, content=b"{}")
    assert (reply.status, reply.body) == (200, b"hi")
    head, _, body = seen[0].partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert lines[0] == b"post /in?a=b http/1.1" and body == b"{}"
    assert f"host: hook.example.org:{port}".encode() in lines and b"x-kind: test" in lines


async def test_what_is_inside_gets_no_connection() -> None:
    async with server(OK) as (port, seen):
        for allowed in ((), ("10.0.0.0/8",), ("other.example.org",)):
            with pytest.raises(AddressRefused):
                await local(*allowed).fetch("GET", f"http://hook.example.org:{port}/", headers={})
            with pytest.raises(AddressRefused):
                await local(*allowed).fetch("GET", f"http://127.0.0.1:{port}/", headers={})
        for host in ("ci", "127.0.0.1"):
            reply = await local(host).fetch("GET", f"http://{host}:{port}/", headers={})
            assert reply.status == 200
    assert len(seen) == 2


async def test_a_name_that_changes_its_meaning_changes_nothing() -> None:
    """The first answer is what is checked, and what is connected to; there is no second question."""
    asked = 0

    async def rebinding(host: str, port: int) -> list[str]:
        nonlocal asked
        asked += 1
        return ["192.0.2.1"] if asked == 1 else ["127.0.0.1"]

    async with server(OK) as (port, seen):
        outbound = Outbound(("192.0.2.0/24",), rebinding, Limits(connect_seconds=0.2))
        with pytest.raises(OutboundFailed, match=r"No connection"):
            await outbound.fetch("GET", f"http://hook.example.org:{port}/", headers={})
    assert (asked, seen) == (1, [])


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with server(OK) as (inner, inner_seen):
        location = f"Location: http://127.0.0.1:{inner}/\r\n".encode()
        away = b"HTTP/1.1 307 Temporary Redirect\r\n" + location + b"Content-Length: 0\r\n\r\n"
        async with server(away) as (port, _):
            url = f"http://a.example.org:{port}/"
            reply = await local("127.0.0.1").fetch("GET", url, headers={})
    assert reply.status == 307 and inner_seen == []


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with server(OK) as (port, seen), server(OK) as (proxy, proxy_seen):
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
        url = f"http://a.example.org:{port}/"
        assert (await local("127.0.0.1").fetch("GET", url, headers={})).status == 200
    assert len(seen) == 1 and proxy_seen == []


async def test_an_answer_without_end_is_cut() -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 100_000
    async with server(endless, hang=True) as (port, _):
        outbound = local("127.0.0.1", body_bytes=5_000)
        reply = await outbound.fetch("GET", f"http://a.example.org:{port}/", headers={})
    assert reply.body == b"x" * 5_000


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx"])
async def test_an_answer_that_does_not_come_is_a_failure(answer: bytes) -> None:
    async with server(answer, hang=True) as (port, _):
        with pytest.raises(OutboundFailed, match=r"within 0\.3 seconds|No connection"):
            outbound = local("127.0.0.1", seconds=0.3)
            await outbound.fetch("GET", f"http://a.example.org:{port}/", headers={})


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nBad\r\n"])
async def test_what_is_not_http_is_a_failure(answer: bytes) -> None:
    async with server(answer) as (port, _):
        with pytest.raises(OutboundFailed):
            await local("127.0.0.1").fetch("GET", f"http://a.example.org:{port}/", headers={})


async def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"https://a.example.org:{taken.getsockname()[1]}/"
        with pytest.raises(OutboundFailed, match=r"No connection"):
            await local("127.0.0.1").fetch("GET", url, headers={})
