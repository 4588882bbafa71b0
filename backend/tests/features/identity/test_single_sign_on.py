"""Single sign-on through a real provider: the way in, and the identities of an account."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import select

from reqtrail.features.audit.tables import audit_events
from tests.features.audit.walk import NEEDS_PROVIDER, Walk
from tests.features.identity.providers import (
    ORIGIN,
    Browser,
    ProviderProcess,
    Start,
    fresh_login,
    link,
    problem_of,
)
from tests.fixtures.api import PASSWORD

pytestmark = pytest.mark.anyio


async def test_a_linked_identity_signs_in(start: Start) -> None:
    async with start() as world:
        person = await world.user()
        login = person.user.email
        browser = Browser(world)
        assert await link(browser, person, login) == "/account"
        (listed,) = (await person.get("/me/identities")).json()
        assert (listed["provider"], listed["name"]) == ("one", "Provider one")
        assert listed["email"] == login and listed["used_at"] is None
        visitor = Browser(world)
        assert await visitor.sign_in(login, next_page="/p/ABC?at=3#x") == "/p/ABC?at=3#x"
        me = await visitor.me()
        assert me is not None and me["id"] == str(person.user.user_id)
        (used,) = (await person.get("/me/identities")).json()
        assert used["used_at"] is not None


async def test_the_sign_in_page_learns_of_the_providers_and_no_secret(start: Start) -> None:
    async with start() as world:
        answer = await world.anonymous().get("/auth/options")
        assert answer.json()["providers"] == [
            {"id": "one", "name": "Provider one"},
            {"id": "two", "name": "Provider two"},
        ]
        assert answer.json()["password_sign_in"] == "everybody"
        assert "known-to" not in answer.text


async def test_what_is_asked_of_the_provider(
    start: Start, sign_in_providers: ProviderProcess
) -> None:
    """Code flow, PKCE, state and nonce, each new; the cookie is for the answer alone."""
    async with start() as world:
        browser, seen = world.anonymous(), []
        for _ in range(2):
            answer = await browser.get("/auth/single-sign-on/one")
            address = urlsplit(answer.headers["location"])
            assert address._replace(query="").geturl() == f"{sign_in_providers.issuers['one']}/auth"
            asked = {name: value for name, (value,) in parse_qs(address.query).items()}
            seen.append(asked)
            cookie = answer.headers["set-cookie"]
            assert "HttpOnly" in cookie and "SameSite=lax" in cookie
            assert "Path=/api/v1/auth/single-sign-on" in cookie and "Max-Age=600" in cookie
            assert answer.headers["cache-control"] == "no-store"
        assert seen[0]["response_type"] == "code"
        assert seen[0]["code_challenge_method"] == "S256"
        assert set(seen[0]["scope"].split()) == {"openid", "email", "profile"}
        expected = f"{ORIGIN}/api/v1/auth/single-sign-on/one/callback"
        assert seen[0]["redirect_uri"] == expected
        for name in ("state", "nonce", "code_challenge"):
            assert len(seen[0][name]) >= 43 and seen[0][name] != seen[1][name]


async def test_an_address_links_nothing_by_itself(start: Start) -> None:
    """Not even a verified one, and whoever claims an address does not learn whether it has an account."""
    async with start(one={"create_accounts": False}) as world:
        login = (await world.user()).user.email
        browser = Browser(world)
        for known in (login, f"{login}!unverified", fresh_login(), "nobody!unverified"):
            page = await browser.sign_in(known)
            assert page == "/sign-in?problem=identity_not_linked&next=%2F", known
            browser.outside.cookies.clear()
        assert await browser.me() is None


async def test_an_unverified_address_is_never_taken_for_a_persons(start: Start) -> None:
    trusting = {"trusted_for_addresses": True, "create_accounts": True}
    async with start(one=trusting) as world:
        person = await world.user()
        login = person.user.email
        for claimed in (f"{login}!unverified", "fresh!unverified"):
            browser = Browser(world)
            assert problem_of(await browser.sign_in(claimed)) == "identity_not_linked"
            assert await browser.me() is None
            assert (await person.get("/me/identities")).json() == []


async def test_a_trusted_provider_links_by_verified_address(start: Start) -> None:
    async with start(one={"trusted_for_addresses": True}) as world:
        person = await world.user()
        login = person.user.email
        browser = Browser(world)
        assert await browser.sign_in(login) == "/"
        me = await browser.me()
        assert me is not None and me["id"] == str(person.user.user_id)
        assert len((await person.get("/me/identities")).json()) == 1


async def test_a_provider_may_make_accounts(start: Start) -> None:
    """They have no password, and their only identity stays until there is another way in."""
    async with start(two={"create_accounts": True}) as world:
        browser = Browser(world)
        login = fresh_login()
        assert await browser.sign_in(login, "two") == "/"
        me = await browser.me()
        assert me is not None and me["email"] == f"{login}@example.org"
        assert me["email_verified"] is True and me["is_administrator"] is False
        for password in ("", "x", "no account has this password"):
            body = {"email": me["email"], "password": password}
            answer = await world.anonymous().post("/auth/sign-in", json=body)
            assert answer.status_code == 401
        refreshed = await browser.app.post("/auth/refresh")
        headers = {"Authorization": f"Bearer {refreshed.json()['access_token']}"}
        (identity,) = (await browser.app.get("/me/identities", headers=headers)).json()
        path = f"/me/identities/{identity['id']}"
        refused = await browser.app.delete(path, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (409, "only_way_in")


async def test_identities_are_unlinked_by_their_owner_alone(start: Start) -> None:
    async with start() as world:
        person = await world.user()
        login = person.user.email
        other = await world.user()
        browser = Browser(world)
        await link(browser, person, login)
        (identity,) = (await person.get("/me/identities")).json()
        path = f"/me/identities/{identity['id']}"
        assert (await other.delete(path)).status_code == 404
        assert (await person.delete(path)).status_code == 204
        assert (await person.delete(path)).json()["code"] == "identity_not_found"
        assert problem_of(await browser.sign_in(login)) == "identity_not_linked"


async def test_an_identity_is_of_one_account(start: Start) -> None:
    async with start() as world:
        person = await world.user()
        login = person.user.email
        other = await world.user()
        browser = Browser(world)
        assert await link(browser, person, login) == "/account"
        assert await link(browser, person, login) == "/account"
        assert len((await person.get("/me/identities")).json()) == 1
        assert await link(browser, other, login) == "/account?problem=identity_taken"
        assert (await other.get("/me/identities")).json() == []


async def test_an_api_token_changes_nobodys_identities(start: Start) -> None:
    async with start() as world:
        person = await world.user()
        made = (await person.post("/me/tokens", json={"name": "CI", "days": 1})).json()
        headers = {"Authorization": f"Bearer {made['token']}"}
        body = {"provider": "one"}
        answer = await world.anonymous().post("/me/identities", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "needs_sign_in")


async def test_a_disabled_account_stays_shut(start: Start) -> None:
    async with start(one={"trusted_for_addresses": True}) as world:
        person = await world.user()
        login = person.user.email
        browser = Browser(world)
        assert await browser.sign_in(login) == "/"
        administrator = await world.administrator()
        path = f"/users/{person.user.user_id}"
        assert (await administrator.patch(path, json={"active": False})).status_code == 200
        assert await browser.me() is None
        assert problem_of(await browser.sign_in(login)) == "account_disabled"
        assert await browser.me() is None


async def test_passwords_can_be_for_administrators_alone(start: Start) -> None:
    async with start(password_sign_in="administrators") as world:
        person = await world.user()
        login = person.user.email
        administrator = await world.administrator()
        options = (await world.anonymous().get("/auth/options")).json()
        assert options["password_sign_in"] == "administrators"

        async def sign_in(email: str, password: str) -> httpx.Response:
            body = {"email": email, "password": password}
            return await world.anonymous().post("/auth/sign-in", json=body)

        refused = await sign_in(login, PASSWORD)
        assert (refused.status_code, refused.json()["code"]) == (403, "password_sign_in_off")
        assert (await sign_in(login, "wrong")).json()["code"] == "wrong_credentials"
        assert (await sign_in(administrator.user.email, PASSWORD)).status_code == 200
        browser = Browser(world)
        await link(browser, person, login)
        (identity,) = (await person.get("/me/identities")).json()
        refused = await person.delete(f"/me/identities/{identity['id']}")
        assert refused.json()["code"] == "only_way_in"


async def test_what_is_recorded(start: Start) -> None:
    """One event for each route that changes something; a sign-in names its provider, also a refused one."""
    async with start() as world:
        person = await world.user()
        login = person.user.email
        walk = Walk(world)
        await walk.step("link_identity", person, "POST", "/me/identities", json={"provider": "two"})
        browser = Browser(world)
        await link(browser, person, login)
        await browser.sign_in(login)
        await Browser(world).sign_in(fresh_login())
        (identity,) = (await person.get("/me/identities")).json()
        path = f"/me/identities/{identity['id']}"
        await walk.step("unlink_identity", person, "DELETE", path)
        assert walk.wrong == [] and walk.seen == NEEDS_PROVIDER
        async with world.owner.read_session() as session:
            rows = await session.execute(
                select(audit_events)
                .where(audit_events.c.action.in_(["identity:link", "session:open"]))
                .order_by(audit_events.c.occurred_at.desc())
                .limit(3)
            )
            refused, opened, linked = rows.all()
        assert linked.action == "identity:link" and linked.actor_id == person.user.user_id
        assert linked.new["provider"] == "one"
        assert opened.outcome == "done"
        assert opened.details == {"provider": "one", "identity": "known"}
        assert refused.outcome == "refused"
        assert refused.details == {"refusal": "identity_not_linked"}
