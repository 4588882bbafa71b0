"""People see and end their sign-ins; what has ended is refused at once, also without Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from reqtrail.entrypoints.web import create_app
from reqtrail.platform.settings import Settings
from tests.fixtures.api import PASSWORD, Client, World

pytestmark = pytest.mark.anyio

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def _browser(world: World, email: str, address: str, agent: str = FIREFOX) -> Client:
    """Return a browser that is signed in, with the access token of its session."""
    browser = world.anonymous(address)
    browser.headers["User-Agent"] = agent
    body = {"email": email, "password": PASSWORD}
    answer = await browser.post("/auth/sign-in", json=body)
    assert answer.status_code == 200, answer.text
    browser.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return browser


async def _sessions(client: Client) -> list[dict[str, Any]]:
    answer = await client.get("/me/sessions")
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()
    return found


async def test_sessions_are_listed_with_their_devices(world: World) -> None:
    email = (await world.user()).user.email
    one = await _browser(world, email, "10.40.0.1")
    other = await _browser(world, email, "10.40.0.2", "curl/8" + "x" * 400)
    listed = {item["address"]: item for item in await _sessions(one)}
    assert listed["10.40.0.1"]["current"] is True and listed["10.40.0.2"]["current"] is False
    assert listed["10.40.0.1"]["user_agent"] == FIREFOX
    assert len(listed["10.40.0.2"]["user_agent"]) == 300
    assert [item["current"] for item in await _sessions(other)].count(True) == 1


async def test_a_refresh_tells_where_a_session_was_seen_last(world: World) -> None:
    email = (await world.user()).user.email
    browser = await _browser(world, email, "10.40.1.1")
    (before,) = [item for item in await _sessions(browser) if item["current"]]
    elsewhere = world.anonymous("10.40.1.2")
    elsewhere.cookies = browser.cookies
    elsewhere.headers["User-Agent"] = "another version"
    assert (await elsewhere.post("/auth/refresh")).status_code == 200
    (after,) = [item for item in await _sessions(browser) if item["current"]]
    assert (after["address"], after["user_agent"]) == ("10.40.1.2", "another version")
    assert after["last_seen_at"] > before["last_seen_at"]
    assert after["created_at"] == before["created_at"]


async def test_one_session_is_ended(world: World) -> None:
    email = (await world.user()).user.email
    one, other = [await _browser(world, email, f"10.40.2.{n}") for n in (1, 2)]
    (foreign,) = [item for item in await _sessions(one) if item["address"] == "10.40.2.2"]
    stranger = await world.user()
    refused = await stranger.delete(f"/me/sessions/{foreign['id']}")
    assert refused.status_code == 404 and refused.json()["code"] == "session_not_found"
    assert (await one.delete(f"/me/sessions/{foreign['id']}")).status_code == 204
    assert (await other.get("/me")).status_code == 401
    assert (await other.post("/auth/refresh")).status_code == 401
    assert (await one.get("/me")).status_code == 200
    assert (await one.delete(f"/me/sessions/{foreign['id']}")).status_code == 404


async def test_all_other_sessions_are_ended(world: World) -> None:
    email = (await world.user()).user.email
    this, *others = [await _browser(world, email, f"10.40.3.{n}") for n in (1, 2, 3)]
    assert (await this.delete("/me/sessions")).status_code == 204
    assert [item["current"] for item in await _sessions(this)] == [True]
    for other in others:
        assert (await other.get("/me")).status_code == 401
    assert (await this.post("/auth/refresh")).status_code == 200


async def test_administrators_end_the_sessions_of_an_account(world: World) -> None:
    person, administrator = await world.user(), await world.administrator()
    path = f"/users/{person.user.user_id}/sessions"
    assert (await person.delete(path)).status_code == 403
    assert (await administrator.delete(path)).status_code == 204
    assert (await person.get("/me")).status_code == 401
    assert (await _browser(world, person.user.email, "10.40.4.1")) is not None


@pytest.fixture
async def without_redis(settings: Settings, tmp_path: Path) -> AsyncIterator[World]:
    """The application while Redis is away."""
    away = {"redis_url": "redis://127.0.0.1:1/0", "home": tmp_path}
    app = create_app(settings.model_copy(update=away))
    async with app.router.lifespan_context(app):
        world = World(app)
        yield world
        await world.aclose()


@pytest.mark.parametrize("how", ["password", "disabled", "revoked", "reset", "signed out"])
async def test_what_has_ended_is_refused_at_once_without_redis(
    without_redis: World, how: str
) -> None:
    world = without_redis
    administrator, person = await world.administrator(), await world.user()
    browser = await _browser(world, person.user.email, "10.41.0.1")
    key = await world.project(browser)
    for path in ("/me", f"/projects/{key}"):
        assert (await browser.get(path)).status_code == 200
    if how == "password":
        body = {"current": PASSWORD, "new": "an entirely new one"}
        ended = await person.post("/me/password", json=body)
    elif how == "disabled":
        path = f"/users/{person.user.user_id}"
        ended = await administrator.patch(path, json={"active": False})
    elif how == "revoked":
        ended = await person.delete("/me/sessions")
    elif how == "reset":
        ended = await administrator.delete(f"/users/{person.user.user_id}/sessions")
    else:
        ended = await browser.post("/auth/sign-out")
    assert ended.status_code in {200, 204}, ended.text
    # The very next request is refused: five seconds are not needed.
    for path in ("/me", f"/projects/{key}"):
        assert (await browser.get(path)).status_code == 401
    assert (await browser.post("/auth/refresh")).status_code in {204, 401}
