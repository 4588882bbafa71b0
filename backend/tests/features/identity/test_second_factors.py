"""Codes of an authenticator and recovery codes: enrolment, the second step of a sign-in, and its abuse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pyotp
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from reqtrail.bootstrap.sealed_columns import SEALED_COLUMNS
from reqtrail.entrypoints.web import create_app
from reqtrail.features.identity.factors.guard import LONGEST_WAIT, wait_after
from reqtrail.features.identity.factors.tables import factor_challenges, totp_factors
from reqtrail.features.identity.factors.totp import matching_step
from reqtrail.kit import clock
from reqtrail.platform.crypto import open_vault
from reqtrail.platform.crypto.rotation import rotate
from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.settings import Settings
from tests.features.identity.second import (
    age,
    answer_code,
    challenge,
    code_of,
    enrol_totp,
    forget_steps,
    sign_in,
    unblock,
)
from tests.fixtures.api import PASSWORD, World

pytestmark = pytest.mark.anyio


async def test_a_password_alone_opens_nothing(world: World) -> None:
    person = await world.user()
    secret, codes = await enrol_totp(person)
    browser, answer = await sign_in(world, person)
    assert answer.status_code == 202 and not answer.cookies
    assert answer.headers["cache-control"] == "no-store"
    asked = answer.json()
    assert asked["methods"] == ["totp", "recovery_code"] and not asked["enrol"]
    assert (await browser.post("/auth/refresh")).status_code == 204
    opened = await answer_code(browser, asked["challenge"], code_of(secret))
    assert opened.status_code == 200, opened.text
    assert opened.json()["user"]["email"] == person.user.email
    assert (await browser.post("/auth/refresh")).status_code == 200
    assert len(codes) == 10 == len(set(codes))
    factors = (await person.get("/me/factors")).json()
    assert factors["totp_since"] and factors["recovery_codes_left"] == 10


async def test_the_secret_is_shown_as_a_picture_of_our_own(world: World) -> None:
    person = await world.user()
    begun = (await person.post("/me/factors/totp")).json()
    assert begun["uri"].startswith("otpauth://totp/Reqtrail:") and begun["secret"] in begun["uri"]
    assert begun["picture"].startswith("data:image/svg+xml")
    assert (await person.get("/me/factors")).json()["totp_since"] is None
    _, answer = await sign_in(world, person)
    assert answer.status_code == 200, "an authenticator that was never confirmed must not lock out"
    async with world.database.read_session() as session:
        mine = totp_factors.c.user_id == person.user.user_id
        seed: bytes = (await session.scalars(select(totp_factors.c.seed).where(mine))).one()
    assert begun["secret"].encode() not in seed


async def test_a_code_is_good_once(world: World) -> None:
    person = await world.user()
    secret, _ = await enrol_totp(person)
    browser, token = await challenge(world, person)
    code = code_of(secret)
    assert (await answer_code(browser, token, code)).status_code == 200
    browser, token = await challenge(world, person)
    again = await answer_code(browser, token, code)
    assert (again.status_code, again.json()["code"]) == (422, "wrong_code")
    earlier = await answer_code(browser, token, code_of(secret, -1))
    assert earlier.status_code == 422, "a step before the last used one must not be accepted"
    assert (await answer_code(browser, token, code_of(secret, 1))).status_code == 200


async def test_of_two_uses_of_a_code_at_once_one_counts(world: World) -> None:
    person = await world.user()
    secret, _ = await enrol_totp(person)
    tries = [await challenge(world, person) for _ in range(4)]
    code = code_of(secret)
    answers = await asyncio.gather(*(answer_code(*one, code) for one in tries))
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422]


async def test_a_challenge_is_good_once_and_for_its_own_account(world: World) -> None:
    person, other = await world.user(), await world.user()
    secret, _ = await enrol_totp(person)
    other_secret, _ = await enrol_totp(other)
    browser, token = await challenge(world, person)
    wrong = await answer_code(browser, token, code_of(other_secret))
    assert wrong.status_code == 422
    assert (await answer_code(browser, token, code_of(secret))).status_code == 200
    again = await answer_code(browser, token, code_of(secret, 1))
    assert (again.status_code, again.json()["code"]) == (401, "challenge_ended")
    for forged in ("x", token[:-1] + ("A" if token[-1] != "A" else "B")):
        assert (await answer_code(browser, forged, "000000")).status_code == 401


async def test_a_challenge_expires_and_ends_with_its_account(world: World) -> None:
    person = await world.user()
    secret, _ = await enrol_totp(person)
    browser, token = await challenge(world, person)
    async with world.database.session() as session:
        mine = factor_challenges.c.user_id == person.user.user_id
        past = clock.now() - timedelta(seconds=1)
        await session.execute(update(factor_challenges).where(mine).values(expires_at=past))
    assert (await answer_code(browser, token, code_of(secret))).status_code == 401
    browser, token = await challenge(world, person)
    administrator = await world.administrator()
    await administrator.patch(f"/users/{person.user.user_id}", json={"active": False})
    assert (await answer_code(browser, token, code_of(secret))).status_code == 401


async def test_a_challenge_ends_after_five_wrong_answers_and_the_account_waits(
    world: World,
) -> None:
    person = await world.user()
    secret, _ = await enrol_totp(person)
    browser, token = await challenge(world, person)
    for _ in range(5):
        assert (await answer_code(browser, token, "000000")).status_code == 422
    ended = await answer_code(browser, token, code_of(secret))
    assert (ended.status_code, ended.json()["code"]) == (401, "challenge_ended")
    browser, token = await challenge(world, person)
    blocked = await answer_code(browser, token, code_of(secret))
    assert (blocked.status_code, blocked.json()["code"]) == (429, "codes_blocked")
    assert 0 < int(blocked.headers["retry-after"]) <= 31
    await unblock(world, person)
    assert (await answer_code(browser, token, "000000")).status_code == 422
    longer = await answer_code(browser, token, code_of(secret))
    assert 31 < int(longer.headers["retry-after"]) <= 61
    await unblock(world, person)
    assert (await answer_code(browser, token, code_of(secret))).status_code == 200
    _, token = await challenge(world, person)
    assert (await answer_code(browser, token, "000000")).status_code == 422


def test_waits_grow_to_an_hour() -> None:
    waits = [wait_after(failures) for failures in range(0, 60)]
    assert waits[:5] == [None] * 5
    seconds = [wait.total_seconds() for wait in waits if wait]
    assert seconds[:3] == [30, 60, 120] and seconds == sorted(seconds)
    assert seconds[-1] == LONGEST_WAIT.total_seconds()


def test_codes_of_the_standard() -> None:
    """RFC 6238, appendix B, the last six of its eight digits (SHA-1)."""
    secret = pyotp.TOTP("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").secret
    for moment, code in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        now = clock.now().fromtimestamp(moment, tz=clock.now().tzinfo)
        assert matching_step(secret, code, 0, now) == moment // 30
        assert matching_step(secret, code, moment // 30, now) is None
        assert matching_step(secret, code, 0, now + timedelta(seconds=90)) is None
    for other in ("", "28708", "2870822", "２８７０８２", "💥"):
        assert matching_step(secret, other, 0, now) is None


async def test_recovery_codes_are_good_once(world: World) -> None:
    person = await world.user()
    _, codes = await enrol_totp(person)
    browser, token = await challenge(world, person)
    typed = f" {codes[3].upper().replace('-', ' ')} "
    assert (await answer_code(browser, token, typed, "recovery_code")).status_code == 200
    browser, token = await challenge(world, person)
    again = await answer_code(browser, token, codes[3], "recovery_code")
    assert (again.status_code, again.json()["code"]) == (422, "wrong_code")
    assert (await person.get("/me/factors")).json()["recovery_codes_left"] == 9
    new = (await person.post("/me/factors/recovery-codes")).json()["recovery_codes"]
    assert (await answer_code(browser, token, codes[4], "recovery_code")).status_code == 422
    assert (await answer_code(browser, token, new[0], "recovery_code")).status_code == 200


async def test_recovery_codes_are_of_one_account(world: World) -> None:
    person, other = await world.user(), await world.user()
    await enrol_totp(person)
    _, codes = await enrol_totp(other)
    browser, token = await challenge(world, person)
    assert (await answer_code(browser, token, codes[0], "recovery_code")).status_code == 422


async def test_a_seed_that_was_copied_to_another_account_opens_nothing(world: World) -> None:
    person, thief = await world.user(), await world.user()
    await enrol_totp(person)
    thief_secret, _ = await enrol_totp(thief)
    async with world.database.session() as session:
        theirs = totp_factors.c.user_id == thief.user.user_id
        seed = (await session.scalars(select(totp_factors.c.seed).where(theirs))).one()
        mine = totp_factors.c.user_id == person.user.user_id
        await session.execute(update(totp_factors).where(mine).values(seed=seed))
    browser, token = await challenge(world, person)
    answer = await answer_code(browser, token, code_of(thief_secret))
    assert (answer.status_code, answer.json()["code"]) == (500, "secret_unreadable")


async def test_renewed_keys_change_nothing_for_people(world: World) -> None:
    person = await world.user()
    secret, _ = await enrol_totp(person)
    settings = world.app.state.settings
    owner = Database(make_engine(settings.database_url, role=None, pool_size=2))
    await open_vault(owner, settings)
    done = await rotate(owner, SEALED_COLUMNS, renew=True)
    await owner.dispose()
    assert done.resealed >= 1
    browser, token = await challenge(world, person)
    assert (await answer_code(browser, token, code_of(secret))).status_code == 200


async def test_changes_ask_for_a_fresh_proof(world: World) -> None:
    person = await world.user()
    secret, _ = await enrol_totp(person)
    await age(world, person, 11)
    assert not (await person.get("/me/factors")).json()["fresh"]
    for method, path in (
        ("POST", "/me/factors/totp"),
        ("DELETE", "/me/factors/totp"),
        ("POST", "/me/factors/recovery-codes"),
        ("POST", "/me/factors/passkeys/options"),
    ):
        refused = await person.request(method, path)
        assert (refused.status_code, refused.json()["code"]) == (403, "reauthentication_needed")
    for proof in ({"password": "wrong"}, {"code": "000000"}, {}):
        refused = await person.post("/me/proof", json=proof)
        assert (refused.status_code, refused.json()["code"]) == (422, "not_proven")
    assert (await person.post("/me/proof", json={"code": code_of(secret)})).status_code == 204
    assert (await person.get("/me/factors")).json()["fresh"]
    await age(world, person, 11)
    assert (await person.post("/me/proof", json={"password": PASSWORD})).status_code == 204
    assert (await person.delete("/me/factors/totp")).status_code == 204
    factors = (await person.get("/me/factors")).json()
    assert (factors["totp_since"], factors["recovery_codes_left"]) == (None, 0)
    _, answer = await sign_in(world, person)
    assert answer.status_code == 200


async def test_an_api_token_signs_in_no_further_and_changes_no_factor(world: World) -> None:
    person = await world.user()
    await enrol_totp(person)
    token = (await person.post("/me/tokens", json={"name": "ci"})).json()["token"]
    program = world.anonymous()
    program.headers["Authorization"] = f"Bearer {token}"
    assert (await program.get("/me")).status_code == 200
    for method, path, body in (
        ("DELETE", "/me/factors/totp", None),
        ("POST", "/me/proof", {"password": PASSWORD}),
    ):
        refused = await program.request(method, path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "session_needed")


async def test_an_authenticator_is_replaced_only_after_its_removal(world: World) -> None:
    person = await world.user()
    secret, _ = await enrol_totp(person)
    for path, body in (("", None), ("/confirm", {"code": "000000"})):
        refused = await person.post(f"/me/factors/totp{path}", json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "totp_exists")
    browser, token = await challenge(world, person)
    assert (await answer_code(browser, token, code_of(secret))).status_code == 200
    other = await world.user()
    refused = await other.post("/me/factors/totp/confirm", json={"code": "000000"})
    assert refused.json()["code"] == "totp_not_begun"
    assert (await other.post("/me/factors/recovery-codes")).json()["code"] == "no_factor"
    begun = (await other.post("/me/factors/totp")).json()["secret"]
    renewed = (await other.post("/me/factors/totp")).json()["secret"]
    old = await other.post("/me/factors/totp/confirm", json={"code": code_of(begun)})
    assert (old.status_code, old.json()["code"]) == (422, "wrong_code")
    new = await other.post("/me/factors/totp/confirm", json={"code": code_of(renewed)})
    assert new.status_code == 200


async def test_an_administrator_resets_lost_factors(world: World) -> None:
    person, administrator = await world.user(), await world.administrator()
    await enrol_totp(person)
    path = f"/users/{person.user.user_id}/factors"
    told = (await administrator.get(path)).json()
    assert told == {"totp": True, "passkeys": 0, "recovery_codes_left": 10}
    assert (await administrator.delete(path)).status_code == 204
    assert (await person.get("/me")).status_code == 401, "the sign-ins of a lost device end"
    _, answer = await sign_in(world, person)
    assert answer.status_code == 200
    nobody = "/users/00000000-0000-0000-0000-000000000000/factors"
    assert (await administrator.delete(nobody)).status_code == 404
    assert (await administrator.get(nobody)).status_code == 404


class TestRequired:
    """An instance that requires a second factor."""

    @pytest.fixture(scope="class")
    async def app(self, settings: Settings) -> AsyncIterator[FastAPI]:
        """The application with that setting."""
        made = create_app(settings.model_copy(update={"second_factor_required": True}))
        async with made.router.lifespan_context(made):
            yield made

    async def test_an_account_without_one_enrols_before_it_is_signed_in(self, world: World) -> None:
        person = await world.user()
        browser, answer = await sign_in(world, person)
        assert answer.status_code == 202 and not answer.cookies
        asked = answer.json()
        assert asked["enrol"] and asked["methods"] == []
        token = asked["challenge"]
        assert (await answer_code(browser, token, "000000")).status_code == 401
        begun = await browser.post("/auth/enrol/totp", json={"challenge": token})
        assert begun.status_code == 200
        wrong = {"challenge": token, "code": "000000"}
        refused = await browser.post("/auth/enrol/totp/confirm", json=wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "wrong_code")
        right = {"challenge": token, "code": code_of(begun.json()["secret"])}
        opened = await browser.post("/auth/enrol/totp/confirm", json=right)
        assert opened.status_code == 200 and len(opened.json()["recovery_codes"]) == 10
        assert (await browser.post("/auth/refresh")).status_code == 200
        again = await browser.post("/auth/enrol/totp", json={"challenge": token})
        assert again.status_code == 401
        await forget_steps(world, person)
        browser, token = await challenge(world, person)
        secret = begun.json()["secret"]
        assert (await answer_code(browser, token, code_of(secret))).status_code == 200

    async def test_the_last_one_cannot_be_removed(self, world: World) -> None:
        person = await world.user()
        await enrol_totp(person)
        assert (await person.get("/me/factors")).json()["required"]
        refused = await person.delete("/me/factors/totp")
        assert (refused.status_code, refused.json()["code"]) == (409, "last_factor")
        assert (await person.get("/me/factors")).json()["recovery_codes_left"] == 10
