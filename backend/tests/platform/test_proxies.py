"""Whose word about the client counts: that of trusted proxies, read from the right, and nobody else's."""

from __future__ import annotations

import pytest

from reqtrail.platform.proxies import MAX_HOPS, Peer, Proxies, ProxyHeader

OUTSIDE = "203.0.113.9"
PROXY = "10.0.0.7"
INNER = "10.0.0.8"


def resolve(
    client: str | None,
    *headers: tuple[str, str],
    trusted: tuple[str, ...] = ("10.0.0.0/24",),
    header: ProxyHeader = "x-forwarded-for",
) -> Peer:
    sent = [(name.lower().encode(), value.encode()) for name, value in headers]
    return Proxies(trusted, header).resolve(client, "http", sent)


@pytest.mark.parametrize(
    ("client", "value", "address"),
    [
        (OUTSIDE, "1.2.3.4", OUTSIDE),
        (PROXY, OUTSIDE, OUTSIDE),
        (PROXY, f"1.2.3.4, {OUTSIDE}", OUTSIDE),
        (PROXY, f"127.0.0.1,{OUTSIDE}", OUTSIDE),
        (PROXY, f"1.2.3.4, {OUTSIDE}, {INNER}", OUTSIDE),
        (PROXY, f"{INNER}, {INNER}", INNER),
        (PROXY, "", PROXY),
        (PROXY, "unknown", PROXY),
        (PROXY, f"{OUTSIDE}, <script>", PROXY),
        (PROXY, f"{OUTSIDE}, {INNER}, 999.1.1.1, {INNER}", INNER),
        (PROXY, "203.0.113.9:4711", OUTSIDE),
        (PROXY, "[2001:db8::1]:4711", "2001:db8::1"),
        (PROXY, "2001:DB8:0::1", "2001:db8::1"),
        (PROXY, f"::ffff:{OUTSIDE}", OUTSIDE),
        ("::ffff:10.0.0.7", OUTSIDE, OUTSIDE),
        (PROXY, "fe80::1%eth0", "fe80::1"),
        (PROXY, "0x7f.1, 127.1", PROXY),
        (None, "1.2.3.4", "unknown"),
        ("testclient", "1.2.3.4", "testclient"),
    ],
)
def test_the_nearest_untrusted_hop_is_the_client(
    client: str | None, value: str, address: str
) -> None:
    assert resolve(client, ("X-Forwarded-For", value)).address == address


def test_without_trusted_proxies_no_header_counts() -> None:
    for client in (OUTSIDE, PROXY, "127.0.0.1", "::1"):
        said = [("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "https")]
        assert resolve(client, *said, trusted=()) == (client, "http")


def test_several_headers_are_one_list() -> None:
    first, second = ("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-For", OUTSIDE)
    assert resolve(PROXY, first, second).address == OUTSIDE


def test_only_the_header_that_the_proxies_write_is_read() -> None:
    lie, truth = ("Forwarded", "for=1.2.3.4;proto=https"), ("X-Forwarded-For", OUTSIDE)
    assert resolve(PROXY, lie, truth) == (OUTSIDE, "http")
    lie, truth = ("X-Forwarded-For", "1.2.3.4"), ("Forwarded", f"for={OUTSIDE}")
    assert resolve(PROXY, lie, truth, header="forwarded") == (OUTSIDE, "http")
    lie = ("X-Forwarded-Proto", "https")
    assert resolve(PROXY, lie, truth, header="forwarded").scheme == "http"


@pytest.mark.parametrize(
    ("value", "peer"),
    [
        (f"for={OUTSIDE};proto=https", (OUTSIDE, "https")),
        ('For="[2001:db8::1]:4711"; Proto="HTTPS"', ("2001:db8::1", "https")),
        (f"for=1.2.3.4, for={OUTSIDE};by=10.0.0.9;host=x", (OUTSIDE, "http")),
        (f"for={OUTSIDE}, for={INNER};proto=https", (OUTSIDE, "https")),
        ("for=unknown", (PROXY, "http")),
        ("for=_hidden;proto=https", (PROXY, "https")),
        (f'for="1.2.3.4, for={OUTSIDE}', (PROXY, "http")),
        (f'for="x\\", for={OUTSIDE}', (PROXY, "http")),
        ('for="\\1.2.3.4"', ("1.2.3.4", "http")),
        (f"for=1.2.3.4 for={OUTSIDE}", (PROXY, "http")),
        (";;;", (PROXY, "http")),
        ("", (PROXY, "http")),
    ],
)
def test_forwarded_is_read_as_its_standard_says(value: str, peer: tuple[str, str]) -> None:
    assert resolve(PROXY, ("Forwarded", value), header="forwarded") == peer


@pytest.mark.parametrize(
    ("value", "scheme"),
    [("https", "https"), ("HTTPS ", "https"), ("https, http", "http"), ("javascript", "http")],
)
def test_the_nearest_proxy_says_the_scheme(value: str, scheme: str) -> None:
    assert resolve(PROXY, ("X-Forwarded-Proto", value)).scheme == scheme
    assert resolve(OUTSIDE, ("X-Forwarded-Proto", value)).scheme == "http"


def test_a_chain_without_end_is_not_followed() -> None:
    chain = ", ".join([OUTSIDE] + [INNER] * MAX_HOPS)
    assert resolve(PROXY, ("X-Forwarded-For", chain)).address == INNER


@pytest.mark.parametrize("wrong", ["10.0.0.1/8", "proxy.example.org", "10.0.0.0/33", ""])
def test_what_is_no_network_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Proxies([wrong])
