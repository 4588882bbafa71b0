"""Single sign-on through a real provider: everything that must not be a way in."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlalchemy import text

from tests.features.identity.providers import (
    Browser,
    ProviderProcess,
    Start,
    fresh_login,
    problem_of,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("domains", [["elsewhere.example"], ["example.org.evil"]])
async def test_other_domains_stay_out(start: Start, domains: list[str]) -> None:
    setting = {"allowed_domains": domains, "create_accounts": True}
    async with start(one=setting) as world:
        browser = Browser(world)
        assert problem_of(await browser.sign_in(fresh_login())) == "address_not_allowed"


async def test_a_domain_counts_only_when_it_is_verified(start: Start) -> None:
    setting = {"allowed_domains": ["@Example.org"], "create_accounts": True}
    async with start(one=setting) as world:
        browser = Browser(world)
        assert problem_of(await browser.sign_in("eve!unverified")) == "address_not_allowed"
        browser.outside.cookies.clear()
        assert await browser.sign_in(fresh_login()) == "/"


async def test_an_answer_is_taken_once(start: Start) -> None:
    async with start(one={"create_accounts": True}) as world:
        browser = Browser(world)
        back = await browser.answer_of_provider(await browser.begin(), fresh_login())
        cookies = dict(browser.app.cookies)
        first = await browser.arrive(back)
        assert first.headers["location"] == "/"
        thief = world.anonymous()
        for jar in (cookies, {}):
            thief.cookies.update(jar)
            again = await thief.get(back)
            assert problem_of(again.headers["location"]) == "sign_in_expired"


async def test_an_answer_belongs_to_the_browser_that_asked(start: Start) -> None:
    """Nobody can have somebody else finish a sign-in that they began (login CSRF), nor finish somebody else's."""
    async with start(one={"create_accounts": True}) as world:
        attacker, victim = Browser(world), Browser(world)
        back = await attacker.answer_of_provider(await attacker.begin(), fresh_login())
        await victim.begin()
        answer = await victim.arrive(back)
        assert problem_of(answer.headers["location"]) == "sign_in_expired"
        assert await victim.me() is None
        # And the attempt is spent: not even the one who began it can go on.
        answer = await attacker.arrive(back)
        assert problem_of(answer.headers["location"]) == "sign_in_expired"


async def test_another_state_is_refused(start: Start) -> None:
    async with start() as world:
        browser = Browser(world)
        for state in ("", "x", "é", "a" * 3000, "' OR 1=1 --"):
            await browser.begin()
            query = urlencode({"code": "x", "state": state})
            answer = await browser.app.get(f"/auth/single-sign-on/one/callback?{query}")
            assert problem_of(answer.headers["location"]) == "sign_in_expired"


async def test_an_attempt_expires(start: Start) -> None:
    async with start(one={"create_accounts": True}) as world:
        browser = Browser(world)
        back = await browser.answer_of_provider(await browser.begin(), fresh_login())
        async with world.owner.session() as session:
            await session.execute(text("UPDATE sign_in_attempts SET expires_at = now()"))
        answer = await browser.arrive(back)
        assert problem_of(answer.headers["location"]) == "sign_in_expired"


async def test_answers_of_two_providers_are_not_mixed_up(
    start: Start, sign_in_providers: ProviderProcess
) -> None:
    """RFC 9207: an answer that is sent to the other provider's address, or names another issuer, is refused."""
    setting = {"create_accounts": True}
    async with start(one=setting, two=setting) as world:
        browser = Browser(world)
        back = await browser.answer_of_provider(await browser.begin("one"), fresh_login())
        answer = await browser.arrive(back.replace("/one/callback", "/two/callback"))
        assert problem_of(answer.headers["location"]) == "sign_in_expired"
        for named in (sign_in_providers.issuers["two"], "", None):
            back = await browser.answer_of_provider(await browser.begin("one"), fresh_login())
            parts = urlsplit(back)
            query = {name: value for name, (value,) in parse_qs(parts.query).items()}
            del query["iss"]
            query |= {} if named is None else {"iss": named}
            answer = await browser.arrive(parts._replace(query=urlencode(query)).geturl())
            assert problem_of(answer.headers["location"]) == "provider_answer_invalid", named
        assert await browser.me() is None


WRONG_PROOFS = (
    *("nonce", "no-nonce", "issuer", "audience", "audiences", "expired", "future"),
    *("no-expiry", "access-token", "subject", "signature", "unsigned", "other-key"),
    *("client-secret", "embedded-key", "no-id-token"),
)


async def test_a_proof_that_is_not_good_lets_nobody_in(
    start: Start, sign_in_providers: ProviderProcess
) -> None:
    async with start(one={"create_accounts": True}) as world:
        for kind in WRONG_PROOFS:
            browser = Browser(world)
            back = await browser.answer_of_provider(await browser.begin(), fresh_login())
            sign_in_providers.spoil("one", kind)
            answer = await browser.arrive(back)
            assert problem_of(answer.headers["location"]) == "provider_answer_invalid", kind
            assert await browser.me() is None


async def test_clocks_may_differ_a_little(start: Start, sign_in_providers: ProviderProcess) -> None:
    async with start(one={"create_accounts": True}) as world:
        browser = Browser(world)
        back = await browser.answer_of_provider(await browser.begin(), fresh_login())
        sign_in_providers.spoil("one", "clock-skew")
        assert (await browser.arrive(back)).headers["location"] == "/"


async def test_a_code_that_was_used_is_refused_by_the_provider(start: Start) -> None:
    """Somebody who got hold of a code cannot use it with an attempt of their own: PKCE binds it to the first."""
    async with start(one={"create_accounts": True}) as world:
        browser, thief = Browser(world), Browser(world)
        back = await browser.answer_of_provider(await browser.begin(), fresh_login())
        stolen = parse_qs(urlsplit(back).query)
        own = parse_qs(urlsplit(await thief.begin()).query)
        query = {"code": stolen["code"][0], "iss": stolen["iss"][0], "state": own["state"][0]}
        path = f"/auth/single-sign-on/one/callback?{urlencode(query)}"
        answer = await thief.app.get(path)
        assert problem_of(answer.headers["location"]) == "provider_refused"
        assert await thief.me() is None


async def test_somebody_who_cancels_comes_back(start: Start) -> None:
    async with start() as world:
        browser = Browser(world)
        address = await browser.begin(next_page="/projects")
        state = parse_qs(urlsplit(address).query)["state"][0]
        issuer = world.app.state.settings.sign_in_providers[0].issuer
        query = {"error": "access_denied", "state": state, "iss": issuer}
        query["error_description"] = "<script>alert(1)</script>"
        answer = await browser.app.get(f"/auth/single-sign-on/one/callback?{urlencode(query)}")
        assert answer.headers["location"] == "/sign-in?problem=provider_refused&next=%2Fprojects"


@pytest.mark.parametrize("kind", ["away", "nonsense"])
async def test_a_provider_that_fails_says_so(
    start: Start, sign_in_providers: ProviderProcess, kind: str
) -> None:
    async with start(one={"create_accounts": True}) as world:
        browser = Browser(world)
        back = await browser.answer_of_provider(await browser.begin(), fresh_login())
        sign_in_providers.spoil("one", kind)
        answer = await browser.arrive(back)
        sign_in_providers.spoil("one", None)
        assert problem_of(answer.headers["location"]) == "provider_unavailable"


async def test_a_provider_that_is_down_says_so(start: Start) -> None:
    """The others, and passwords, go on."""
    async with start(one={"issuer": "http://127.0.0.1:1"}, two={"create_accounts": True}) as world:
        browser = Browser(world)
        page = await browser.begin("one", "/projects")
        assert page == "/sign-in?problem=provider_unavailable&next=%2Fprojects"
        assert await browser.sign_in(fresh_login(), "two") == "/"
        person = await world.user()
        answer = await person.post("/me/identities", json={"provider": "one"})
        assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")


async def test_a_provider_must_be_who_it_is_said_to_be(
    start: Start, sign_in_providers: ProviderProcess
) -> None:
    """The issuer in its own words is the one that is set, to the letter."""
    other = sign_in_providers.issuers["one"].replace("127.0.0.1", "localhost")
    async with start(one={"issuer": other}) as world:
        browser = Browser(world)
        assert problem_of(await browser.begin()) == "provider_unavailable"


async def test_an_unknown_provider(start: Start) -> None:
    async with start() as world:
        browser = Browser(world)
        assert problem_of(await browser.begin("three")) == "provider_unknown"
        answer = await browser.app.get("/auth/single-sign-on/three/callback")
        assert problem_of(answer.headers["location"]) == "provider_unknown"


ELSEWHERE = (
    *("//evil.example", "/\\evil.example", "https://evil.example", "evil.example", ""),
    *("/%0d%0aLocation: x\r\n", "/\t/evil.example", "javascript:alert(1)", "/a\\b", "\\\\evil"),
    *("/api/v1/me", "/" + "a" * 2500, "/\x7f", "///evil.example", " /x", "http:/evil"),
)


async def test_nobody_is_sent_elsewhere(start: Start) -> None:
    async with start(one={"issuer": "http://127.0.0.1:1"}) as world:
        browser = Browser(world)
        for path in ELSEWHERE:
            page = await browser.begin("one", path)
            assert page == "/sign-in?problem=provider_unavailable&next=%2F", path
    async with start(one={"create_accounts": True}) as world:
        for path in ELSEWHERE[:3]:
            assert await Browser(world).sign_in(fresh_login(), next_page=path) == "/"
