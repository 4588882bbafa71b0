"""Passkeys: registration, sign-in with and without the password, and answers that prove nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from reqtrail.features.identity.factors.passkeys import RelyingParty
from reqtrail.platform.settings import Settings
from tests.features.identity.authenticator import ORIGIN, Authenticator, encoded
from tests.features.identity.second import (
    add_passkey,
    age,
    answer_code,
    challenge,
    enrol_totp,
    sign_in,
)
from tests.fixtures.api import Client, World

pytestmark = pytest.mark.anyio

Json = dict[str, Any]


async def ask(browser: Client, token: str | None = None) -> Json:
    """Ask for what an authenticator signs."""
    answer = await browser.post("/auth/passkey/options", json={"challenge": token})
    assert answer.status_code == 200, answer.text
    asked: Json = answer.json()
    return asked


async def use(browser: Client, asked: Json, credential: Json) -> httpx.Response:
    """Send the answer of an authenticator."""
    body = {"challenge": asked["challenge"], "credential": credential}
    return await browser.post("/auth/passkey", json=body)


async def test_a_passkey_signs_in_alone(world: World) -> None:
    person = await world.user()
    device = await add_passkey(person)
    browser = world.anonymous("10.44.0.1")
    asked = await ask(browser)
    assert asked["options"]["allowCredentials"] == []
    assert asked["options"]["userVerification"] == "required"
    assert asked["options"]["rpId"] == "localhost"
    answer = await use(browser, asked, device.get(asked["options"]))
    assert answer.status_code == 200, answer.text
    assert answer.json()["user"]["email"] == person.user.email
    assert (await browser.post("/auth/refresh")).status_code == 200
    mine = (await person.get("/me/factors")).json()
    assert mine["passkeys"][0]["last_used_at"] and mine["origin"] == ORIGIN
    replayed = await use(browser, asked, device.get(asked["options"]))
    assert (replayed.status_code, replayed.json()["code"]) == (401, "challenge_ended")


async def test_a_passkey_is_the_second_step(world: World) -> None:
    person, other = await world.user(), await world.user()
    device, foreign = await add_passkey(person), await add_passkey(other)
    browser, token = await challenge(world, person)
    asked = await ask(browser, token)
    assert [item["id"] for item in asked["options"]["allowCredentials"]] == [
        encoded(device.credential_id)
    ]
    assert asked["options"]["allowCredentials"][0]["transports"] == ["internal"]
    wrong = await use(browser, asked, foreign.get(asked["options"]))
    assert (wrong.status_code, wrong.json()["code"]) == (422, "passkey_refused")
    older = device.get(asked["options"])
    asked = await ask(browser, token)
    assert (await use(browser, asked, older)).status_code == 422, "the nonce was renewed"
    assert (await use(browser, asked, device.get(asked["options"]))).status_code == 200
    assert (await answer_code(browser, token, "000000")).status_code == 401


async def test_the_first_factor_comes_with_recovery_codes(world: World) -> None:
    person = await world.user()
    asked = (await person.post("/me/factors/passkeys/options")).json()
    credential = Authenticator().create(asked["options"])
    body = {
        "challenge": asked["challenge"],
        "name": " Key of the office ",
        "credential": credential,
    }
    made = (await person.post("/me/factors/passkeys", json=body)).json()
    assert len(made["recovery_codes"]) == 10 and made["passkey"]["name"] == "Key of the office"
    again = await person.post("/me/factors/passkeys", json=body)
    assert (again.status_code, again.json()["code"]) == (401, "challenge_ended")
    _, codes = await enrol_totp(person)
    assert codes == []


async def test_passkeys_have_names_and_go(world: World) -> None:
    person, other = await world.user(), await world.user()
    first, second = await add_passkey(person), await add_passkey(person)
    mine = (await person.get("/me/factors")).json()["passkeys"]
    path = f"/me/factors/passkeys/{mine[0]['id']}"
    for method, body in (("PATCH", {"name": "Mine"}), ("DELETE", None)):
        refused = await other.request(method, path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (404, "passkey_not_found")
    assert (await person.patch(path, json={"name": "Phone"})).status_code == 204
    assert (await person.get("/me/factors")).json()["passkeys"][0]["name"] == "Phone"
    assert (await person.delete(path)).status_code == 204
    browser = world.anonymous("10.44.0.2")
    asked = await ask(browser)
    assert (await use(browser, asked, first.get(asked["options"]))).status_code == 422
    asked = await ask(browser)
    assert (await use(browser, asked, second.get(asked["options"]))).status_code == 200
    left = (await person.get("/me/factors")).json()["passkeys"]
    assert (await person.delete(f"/me/factors/passkeys/{left[0]['id']}")).status_code == 204
    _, answer = await sign_in(world, person)
    assert answer.status_code == 200


async def test_a_challenge_of_registration_is_for_its_own_account(world: World) -> None:
    person, thief = await world.user(), await world.user()
    asked = (await person.post("/me/factors/passkeys/options")).json()
    body = {
        "challenge": asked["challenge"],
        "name": "x",
        "credential": Authenticator().create(asked["options"]),
    }
    stolen = await thief.post("/me/factors/passkeys", json=body)
    assert (stolen.status_code, stolen.json()["code"]) == (401, "challenge_ended")
    device = Authenticator()
    await add_passkey(person, device)
    asked = (await thief.post("/me/factors/passkeys/options")).json()
    taken = await thief.post(
        "/me/factors/passkeys",
        json={
            "challenge": asked["challenge"],
            "name": "x",
            "credential": device.create(asked["options"]),
        },
    )
    assert (taken.status_code, taken.json()["code"]) == (409, "passkey_taken")


@pytest.mark.parametrize(
    "device",
    [
        Authenticator(verifies=False),
        Authenticator(origin="http://localhost"),
        Authenticator(origin="https://localhost:8000"),
        Authenticator(origin="http://evil.example"),
        Authenticator(origin="http://localhost:8000.evil.example"),
    ],
    ids=["unverified", "port", "scheme", "host", "suffix"],
)
async def test_what_does_not_prove_the_person_here_is_refused(
    world: World, device: Authenticator
) -> None:
    person = await world.user()
    asked = (await person.post("/me/factors/passkeys/options")).json()
    body = {
        "challenge": asked["challenge"],
        "name": "x",
        "credential": device.create(asked["options"]),
    }
    refused = await person.post("/me/factors/passkeys", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "passkey_refused")
    # Registered while it behaved, used when it no longer does.
    verifies, origin = device.verifies, device.origin
    device.verifies, device.origin = True, ORIGIN
    await add_passkey(person, device)
    device.verifies, device.origin = verifies, origin
    browser = world.anonymous("10.44.0.3")
    asked = await ask(browser)
    assert (await use(browser, asked, device.get(asked["options"]))).status_code == 422


async def test_headers_do_not_say_whom_passkeys_are_for(world: World) -> None:
    browser = world.anonymous("10.44.0.4")
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    answer = await browser.post("/auth/passkey/options", json={}, headers=headers)
    assert answer.status_code != 200 or answer.json()["options"]["rpId"] == "localhost"


async def test_a_copied_authenticator_is_noticed_by_its_count(world: World) -> None:
    person = await world.user()
    device = await add_passkey(person)
    browser = world.anonymous("10.44.0.5")
    for count, status in ((5, 200), (5, 422), (4, 422), (6, 200)):
        device.count = count
        asked = await ask(browser)
        assert (await use(browser, asked, device.get(asked["options"]))).status_code == status


async def test_of_two_uses_of_one_answer_one_counts(world: World) -> None:
    person = await world.user()
    device = await add_passkey(person)
    browsers = [world.anonymous("10.44.0.6") for _ in range(3)]
    asked = await ask(browsers[0])
    credential = device.get(asked["options"])
    answers = await asyncio.gather(*(use(browser, asked, credential) for browser in browsers))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401]


@pytest.mark.parametrize(
    "field", ["clientDataJSON", "authenticatorData", "signature", "userHandle"]
)
async def test_a_changed_answer_is_refused(world: World, field: str) -> None:
    person = await world.user()
    device = await add_passkey(person)
    for number, value in enumerate(
        ("AAAA", encoded(b"\xff" * 80), "no base64!", 7, [1], "", None, [])
    ):
        if field == "userHandle" and not value:
            continue  # an authenticator need not tell it
        browser = world.anonymous(f"10.45.{len(field)}.{number}")
        asked = await ask(browser)
        credential = device.get(asked["options"])
        credential["response"][field] = value
        answer = await use(browser, asked, credential)
        assert answer.status_code == 422, (field, value, answer.text)


async def test_a_disabled_account_has_no_passkey(world: World) -> None:
    person, administrator = await world.user(), await world.administrator()
    device = await add_passkey(person)
    await administrator.patch(f"/users/{person.user.user_id}", json={"active": False})
    browser = world.anonymous("10.44.0.8")
    asked = await ask(browser)
    assert (await use(browser, asked, device.get(asked["options"]))).status_code == 422


async def test_a_passkey_is_a_fresh_proof_of_its_owner(world: World) -> None:
    person, other = await world.user(), await world.user()
    device, foreign = await add_passkey(person), await add_passkey(other)
    await age(world, person, 11)
    for one, status in ((foreign, 422), (device, 204)):
        asked = await ask(world.anonymous("10.44.0.9"))
        proof = {"challenge": asked["challenge"], "credential": one.get(asked["options"])}
        assert (await person.post("/me/proof", json={"passkey": proof})).status_code == status
    assert (await person.get("/me/factors")).json()["fresh"]


@pytest.mark.parametrize(
    ("public_url", "origin", "host"),
    [
        (None, "http://localhost:8123", "localhost"),
        ("https://reqtrail.example.org", "https://reqtrail.example.org", "reqtrail.example.org"),
        (
            "https://Reqtrail.example.org:443/",
            "https://reqtrail.example.org",
            "reqtrail.example.org",
        ),
        ("http://box:8080", "http://box:8080", "box"),
    ],
)
def test_the_public_address_says_whom_passkeys_are_for(
    public_url: str | None, origin: str, host: str
) -> None:
    party = RelyingParty.of(Settings(public_url=public_url, port=8123))
    assert (party.origin, party.id) == (origin, host)
