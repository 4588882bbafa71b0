"""Signing in, staying signed in, signing out."""

from __future__ import annotations

import httpx
import pytest

from tests.fixtures.api import PASSWORD, Client, World

pytestmark = pytest.mark.anyio


async def _signed_in(world: World, address: str = "127.0.0.1") -> tuple[Client, httpx.Response]:
    user = (await world.user()).user
    browser = world.anonymous(address)
    answer = await browser.post(
        "/auth/sign-in", json={"email": user.email.upper(), "password": PASSWORD}
    )
    assert answer.status_code == 200, answer.text
    return browser, answer


def _bearer(answer: httpx.Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def test_sign_in_gives_access_and_cookies(world: World) -> None:
    browser, answer = await _signed_in(world, "10.0.0.1")
    assert answer.json()["expires_in"] == 600
    assert (await browser.get("/me", headers=_bearer(answer))).json()["email"].startswith("person")
    for cookie in answer.headers.get_list("set-cookie"):
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie
        assert "Secure" not in cookie
    assert answer.headers["cache-control"] == "no-store"


async def test_wrong_password_and_unknown_account_answer_alike(world: World) -> None:
    user = (await world.user()).user
    browser = world.anonymous("10.0.0.2")
    wrong = await browser.post("/auth/sign-in", json={"email": user.email, "password": "nonsense"})
    unknown = await browser.post("/auth/sign-in", json={"email": "x@y.org", "password": "nonsense"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["code"] == unknown.json()["code"] == "wrong_credentials"
    assert wrong.json()["detail"] == unknown.json()["detail"]


async def test_refresh_rotates_and_old_access_token_stays_good(world: World) -> None:
    browser, first = await _signed_in(world, "10.0.0.3")
    old = browser.cookies["reqtrail_refresh"]
    second = await browser.post("/auth/refresh")
    assert second.status_code == 200
    assert browser.cookies["reqtrail_refresh"] != old
    assert (await browser.get("/me", headers=_bearer(first))).status_code == 200
    assert (await browser.get("/me", headers=_bearer(second))).status_code == 200


@pytest.mark.parametrize("generations", [1, 2, 3])
async def test_reuse_of_a_refresh_token_kills_the_family(world: World, generations: int) -> None:
    browser, _ = await _signed_in(world, "10.0.0.4")
    stolen = browser.cookies["reqtrail_refresh"]
    for _ in range(generations):
        newest = await browser.post("/auth/refresh")
        assert newest.status_code == 200
    thief = world.anonymous("10.0.0.5")
    thief.cookies.set("reqtrail_refresh", stolen, path="/api/v1/auth")
    refused = await thief.post("/auth/refresh")
    assert refused.status_code == 401
    assert refused.json()["code"] == "session_ended"
    assert (await browser.get("/me", headers=_bearer(newest))).status_code == 401
    assert (await browser.post("/auth/refresh")).status_code == 401


@pytest.mark.parametrize("token", ["x", "00.11", "0" * 32 + ".x", "é", "a" * 5000])
async def test_refresh_with_nonsense_is_401(world: World, token: str) -> None:
    browser = world.anonymous()
    headers = {b"Cookie": f"reqtrail_refresh={token}".encode()}
    assert (await browser.post("/auth/refresh", headers=headers)).status_code == 401


async def test_sign_out_ends_access_at_once(world: World) -> None:
    browser, answer = await _signed_in(world, "10.0.0.6")
    assert (await browser.post("/auth/sign-out")).status_code == 204
    assert "reqtrail_refresh" not in browser.cookies
    assert (await browser.get("/me", headers=_bearer(answer))).status_code == 401
    assert (await browser.post("/auth/refresh")).status_code == 204  # the cookie is gone too


async def test_a_first_visit_is_no_error(world: World) -> None:
    answer = await world.anonymous().post("/auth/refresh")
    assert answer.status_code == 204 and answer.content == b""


async def test_cookies_are_secure_over_https(world: World) -> None:
    user = (await world.user()).user
    browser = world.anonymous("10.0.0.9")
    body = {"email": user.email, "password": PASSWORD}
    answer = await browser.post("https://testserver/api/v1/auth/sign-in", json=body)
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2 and all("Secure" in cookie for cookie in cookies)
    assert answer.headers["strict-transport-security"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://testserver:81"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/auth/refresh", "/auth/sign-out", "/auth/sign-in"])
async def test_cookie_routes_refuse_other_sites(
    world: World, headers: dict[str, str], path: str
) -> None:
    browser, _ = await _signed_in(world, "10.0.0.7")
    body = {"email": "a@b.org", "password": "x"}
    refused = await browser.post(path, headers=headers, json=body)
    assert refused.status_code == 403
    assert refused.json()["code"] == "foreign_origin"
    same = await browser.post("/auth/refresh", headers={"Origin": "http://testserver"})
    assert same.status_code == 200


async def test_password_change_ends_other_sign_ins(world: World) -> None:
    browser, answer = await _signed_in(world, "10.0.0.8")
    headers = _bearer(answer)
    wrong = {"current": "not the password", "new": "a completely new one"}
    assert (await browser.post("/me/password", headers=headers, json=wrong)).status_code == 422
    right = {"current": PASSWORD, "new": "a completely new one"}
    assert (await browser.post("/me/password", headers=headers, json=right)).status_code == 204
    assert (await browser.get("/me", headers=headers)).status_code == 401
    assert (await browser.post("/auth/refresh")).status_code == 401
    email = answer.json()["user"]["email"]
    again = {"email": email, "password": "a completely new one"}
    assert (await browser.post("/auth/sign-in", json=again)).status_code == 200


async def test_too_many_attempts_on_one_account_are_429(world: World) -> None:
    user = (await world.user()).user
    statuses = []
    for number in range(12):
        browser = world.anonymous(f"10.1.0.{number}")
        body = {"email": user.email, "password": "nonsense"}
        answer = await browser.post("/auth/sign-in", json=body)
        statuses.append(answer.status_code)
    assert statuses == [401] * 10 + [429] * 2
    assert 1 <= int(answer.headers["retry-after"]) <= 61
    assert answer.json()["code"] == "rate_limited"


async def test_too_many_attempts_from_one_address_are_429(world: World) -> None:
    browser = world.anonymous("10.2.0.1")
    statuses = []
    for number in range(52):
        body = {"email": f"nobody{number}@example.org", "password": "nonsense"}
        statuses.append((await browser.post("/auth/sign-in", json=body)).status_code)
    assert statuses == [401] * 50 + [429] * 2
