"""The edge: limits, proxies, hosts, origins. What a client claims about itself changes nothing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from reqtrail.entrypoints.web import create_app
from reqtrail.platform.logging import configure_logging
from reqtrail.platform.settings import Settings
from tests.fixtures.api import PASSWORD, Client, World

pytestmark = pytest.mark.anyio

PROXY = "10.1.0.7"
SPOOFS = [
    {"X-Forwarded-For": "198.51.100.1"},
    {"Forwarded": "for=198.51.100.1;proto=https"},
    {"X-Real-IP": "198.51.100.1"},
    {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.test"},
    {"X-Client-IP": "198.51.100.1", "True-Client-IP": "198.51.100.1"},
    {"CF-Connecting-IP": "198.51.100.1", "X-Original-Forwarded-For": "198.51.100.1"},
]


@asynccontextmanager
async def instance(settings: Settings, **changes: Any) -> AsyncIterator[World]:
    """An instance of its own with other settings, on the same engines; its limits count in this process alone."""
    app = create_app(settings.model_copy(update={"redis_url": None, **changes}))
    async with app.router.lifespan_context(app):
        world = World(app)
        yield world
        await world.aclose()


def items(header: str) -> dict[str, dict[str, int]]:
    """Read a RateLimit header: the parameters by the policy's name."""
    return {
        name: {key: int(value) for key, value in re.findall(r";(\w)=(\d+)", rest)}
        for name, rest in re.findall(r'"([a-z-]+)"((?:;\w=\d+)+)', header)
    }


async def test_every_answer_of_the_api_says_what_is_left(world: World) -> None:
    client = await world.user()
    answer = await client.get("/me")
    settings = world.app.state.settings
    policy, state = items(answer.headers["ratelimit-policy"]), items(answer.headers["ratelimit"])
    assert policy == {
        "address": {"q": settings.rate_address, "w": 60},
        "account-reads": {"q": settings.rate_reads, "w": 60},
    }
    assert state["account-reads"]["r"] == settings.rate_reads - 1
    assert 1 <= state["account-reads"]["t"] <= 61
    again = items((await client.get("/me")).headers["ratelimit"])
    assert again["account-reads"]["r"] == settings.rate_reads - 2


async def test_an_account_has_reads_writes_and_expensive_routes_apart(settings: Settings) -> None:
    limits = {"rate_reads": 4, "rate_writes": 3, "rate_verify": 2, "rate_export": 1}
    async with instance(settings, **limits) as world:
        client = await world.user()
        key = await world.project(client)  # the first write
        writes = [(await client.patch("/me", json={"display_name": "A"})) for _ in range(3)]
        assert [answer.status_code for answer in writes] == [200, 200, 429]
        refused = writes[-1]
        assert refused.json()["code"] == "rate_limited"
        seconds = int(refused.headers["retry-after"])
        assert seconds > 0 and refused.json()["retry_after"] == seconds
        assert items(refused.headers["ratelimit"])["account-writes"] == {"r": 0, "t": seconds}
        reads = [(await client.get("/me")).status_code for _ in range(5)]
        assert reads == [200] * 4 + [429]
        checks = [(await client.post(f"/projects/{key}/verify")).status_code for _ in range(3)]
        assert checks == [200] * 2 + [429]
        path = f"/projects/{key}/exports/reqif"
        assert [(await client.get(path)).status_code for _ in range(2)] == [200, 429]
        assert (await (await world.user()).get("/me")).status_code == 200


async def test_a_token_has_limits_of_its_own_within_those_of_its_account(
    settings: Settings,
) -> None:
    async with instance(settings, rate_token_reads=2, rate_reads=5) as world:
        client = await world.user()
        one, two = [await _with_token(world, client) for _ in range(2)]
        assert [(await one.get("/me")).status_code for _ in range(3)] == [200, 200, 429]
        assert [(await two.get("/me")).status_code for _ in range(3)] == [200, 200, 429]
        assert [(await client.get("/me")).status_code for _ in range(2)] == [200, 429]


async def _with_token(world: World, client: Client) -> Client:
    made = await client.post("/me/tokens", json={"name": "x", "days": 1})
    assert made.status_code == 201, made.text
    other = world.anonymous()
    other.headers["Authorization"] = f"Bearer {made.json()['token']}"
    return other


async def test_an_address_is_limited_whoever_it_says_it_is(settings: Settings) -> None:
    async with instance(settings, rate_address=6) as world:
        client = world.anonymous("192.0.2.1")
        statuses = [(await client.get("/me", headers=spoof)).status_code for spoof in SPOOFS]
        assert statuses == [401] * 6
        for spoof in SPOOFS:
            refused = await client.get("/me", headers=spoof)
            assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0
        assert (await world.anonymous("192.0.2.2").get("/me")).status_code == 401


async def test_neighbours_of_an_ipv6_network_share_a_limit(settings: Settings) -> None:
    async with instance(settings, rate_address=1) as world:
        statuses = [
            (await world.anonymous(address).get("/me")).status_code
            for address in ("2001:db8::1", "2001:db8::2:0:0:1", "2001:db8:0:1::1")
        ]
        assert statuses == [401, 429, 401]


async def test_clients_behind_a_trusted_proxy_are_told_apart(settings: Settings) -> None:
    async with instance(settings, rate_address=1, trusted_proxies=(PROXY,)) as world:
        proxy = world.anonymous(PROXY)
        chains = ["192.0.2.1", "192.0.2.2", "9.9.9.9, 192.0.2.1"]
        answers = [await proxy.get("/me", headers={"X-Forwarded-For": hops}) for hops in chains]
        assert [answer.status_code for answer in answers] == [401, 401, 429]


async def test_sign_in_limits_count_the_real_address(settings: Settings) -> None:
    async with instance(settings, sign_in_limit=1) as world:
        statuses = []
        for number in range(6):
            body = {"email": f"nobody{number}@example.org", "password": "x"}
            headers = {"X-Forwarded-For": f"198.51.100.{number}"}
            client = world.anonymous("192.0.2.3")
            statuses.append(
                (await client.post("/auth/sign-in", json=body, headers=headers)).status_code
            )
        assert statuses == [401] * 5 + [429]


async def _sign_in(world: World, address: str, **headers: str) -> httpx.Response:
    client = await world.user()
    body = {"email": client.user.email, "password": PASSWORD}
    answer = await world.anonymous(address).post("/auth/sign-in", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


async def test_cookies_are_secure_when_the_connection_is(settings: Settings) -> None:
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.9"}
    async with instance(settings, trusted_proxies=(PROXY,)) as world:
        for address, secure in ((PROXY, True), ("192.0.2.4", False)):
            answer = await _sign_in(world, address, **said)
            for cookie in answer.headers.get_list("set-cookie"):
                assert ("; secure" in cookie.lower()) is secure
                assert "httponly" in cookie.lower() and "samesite=strict" in cookie.lower()
            assert ("strict-transport-security" in answer.headers) is secure
    async with instance(settings, public_url="https://testserver") as world:
        answer = await _sign_in(world, "192.0.2.4")
        assert all("; Secure" in cookie for cookie in answer.headers.get_list("set-cookie"))
        assert answer.headers["strict-transport-security"].startswith("max-age=31536000")


async def test_the_log_has_the_real_address(settings: Settings) -> None:
    changes = {"trusted_proxies": (PROXY,), "log_level": "INFO"}
    async with instance(settings, **changes) as world:
        with capture_logs() as lines:
            for spoof in SPOOFS:
                await world.anonymous("192.0.2.5").get("/health/live", headers=spoof)
            headers = {"X-Forwarded-For": "1.1.1.1, 192.0.2.6"}
            await world.anonymous(PROXY).get("/health/live", headers=headers)
        clients = [line["client"] for line in lines if line["event"] == "request"]
    configure_logging(settings.log_format, settings.log_level)
    assert clients == ["192.0.2.5"] * len(SPOOFS) + ["192.0.2.6"]


async def test_only_the_named_hosts_are_served(settings: Settings) -> None:
    named = {"public_url": "https://reqtrail.example.org", "allowed_hosts": ("Inside.example",)}
    async with instance(settings, **named) as world:
        client = world.anonymous()
        for host in ("reqtrail.example.org", "reqtrail.example.org:443", "inside.example"):
            assert (await client.get("/me", headers={"Host": host})).status_code == 401
        for host in ("localhost:8000", "127.0.0.1:8000", "[::1]:8000"):
            assert (await client.get("/me", headers={"Host": host})).status_code == 401
        for host in ("evil.test", "reqtrail.example.org.evil.test", "a@inside.example@b", "[", ""):
            for path in ("/me", "http://testserver/"):
                refused = await client.get(path, headers={"Host": host})
                assert refused.status_code == 421, host
                assert refused.json()["code"] == "unknown_host"
        assert (await client.get("/health/live", headers={"Host": "10.0.0.1"})).status_code == 200


async def test_a_cookie_acts_from_the_own_pages_only(settings: Settings) -> None:
    foreign = [
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Origin": "https://testserver.evil.test"},
        {"Origin": "https://evil.test/testserver"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://testserver"},
        {"Origin": "http://testserver"},
    ]
    async with instance(settings, public_url="https://testserver") as world:
        signed = await _sign_in(world, "192.0.2.7")
        cookies = "; ".join(
            cookie.partition(";")[0] for cookie in signed.headers.get_list("set-cookie")
        )
        client = world.anonymous()
        for route in ("/auth/refresh", "/auth/sign-out", "/auth/sign-in"):
            body = {"email": "a@example.org", "password": "x"}
            sent = body if route.endswith("sign-in") else None
            for headers in foreign:
                said = {"Cookie": cookies, **headers}
                answer = await client.post(route, headers=said, json=sent)
                assert answer.status_code == 403, (route, headers)
                assert answer.json()["code"] == "foreign_origin"
                assert "set-cookie" not in answer.headers
        own = {"Origin": "https://testserver", "Sec-Fetch-Site": "same-origin", "Cookie": cookies}
        assert (await client.post("/auth/refresh", headers=own)).status_code == 200


async def test_no_other_site_is_let_in(world: World) -> None:
    origin = {"Origin": "https://evil.test"}
    client = await world.user()
    asked = {**origin, "Access-Control-Request-Method": "PUT"}
    for path in ("/me", "/projects", "/auth/refresh", "/openapi.json", "/nothing", "/health/live"):
        answers = [
            await client.get(path, headers=origin),
            await client.options(path, headers=asked),
        ]
        for answer in answers:
            named = [name for name in answer.headers if name.startswith("access-control-")]
            assert named == [] and answer.status_code < 500
        assert answers[1].status_code in {404, 405}


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "GZIP", "gzip, gzip"])
async def test_compressed_bodies_are_refused(world: World, coding: str) -> None:
    client = await world.user()
    headers = {"Content-Encoding": coding, "Content-Type": "application/json"}
    answer = await client.post("/projects", content=b"\x1f\x8b", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "encoded_body")


@pytest.mark.parametrize(
    "wrong",
    [
        {"public_url": "reqtrail.example.org"},
        {"public_url": "ftp://reqtrail.example.org"},
        {"public_url": "https://reqtrail.example.org/x"},
        {"trusted_proxies": "10.0.0.0/99"},
        {"trusted_proxies": "nginx"},
        {"proxy_header": "x-real-ip"},
        {"rate_reads": -1},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"1 validation error"):
        Settings(**wrong)


@pytest.mark.parametrize("name", ["trusted_proxies", "allowed_hosts", "outbound_allow"])
def test_lists_are_parted_by_commas_and_blanks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"REQTRAIL_{name.upper()}", "10.0.0.0/8, 127.0.0.1 ::1")
    assert getattr(Settings(), name) == ("10.0.0.0/8", "127.0.0.1", "::1")
