"""Passwords, and what administrators do with accounts."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import bcrypt
import pytest

from reqtrail.features.identity import repository
from reqtrail.features.identity.errors import HashingBusy, PasswordRefused
from reqtrail.features.identity.public import (
    PasswordHasher,
    forget_expired,
    reset_password,
)
from reqtrail.features.identity.service import passwords
from reqtrail.kit import clock
from tests.fixtures.api import PASSWORD, World

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def hasher() -> PasswordHasher:
    """A cheap hasher with one worker."""
    return PasswordHasher(4, 1)


async def test_every_byte_of_a_long_password_counts(hasher: PasswordHasher) -> None:
    long = "x" * 999
    stored = await hasher.hash(long + "a")
    assert await hasher.matches(long + "a", stored)
    assert not await hasher.matches(long + "b", stored)
    assert not await hasher.matches(long, stored)


async def test_characters_after_a_nul_count(hasher: PasswordHasher) -> None:
    stored = await hasher.hash("before\0after")
    assert not await hasher.matches("before\0other", stored)
    assert not await hasher.matches("before", stored)


async def test_no_account_costs_the_same_work_and_never_matches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = PasswordHasher(5, 1)
    stored = await slow.hash("a password here")
    costs: list[bytes] = []
    check = bcrypt.checkpw

    def counted(password: bytes, hashed: bytes) -> bool:
        costs.append(hashed[:7])
        return check(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    for known in (stored, None):
        assert not await slow.matches("another password", known)
    assert not await slow.matches("no account has this password", "")
    slow.close()
    assert costs == [b"$2b$05$"] * 3


async def test_a_full_queue_refuses_at_once(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "MAX_WAITING", 3)
    results = await asyncio.gather(
        *(hasher.hash("x" * 10) for _ in range(8)), return_exceptions=True
    )
    busy = [item for item in results if isinstance(item, HashingBusy)]
    assert len(busy) == 5
    assert busy[0].status == 503 and busy[0].extra["retry_after"] > 0


@pytest.mark.parametrize(
    "password",
    ["", "short", "x" * 1001, "me@example.org", "ME@Example.org", "Ada Lovelace", "adalovelace"],
)
def test_policy(password: str) -> None:
    with pytest.raises(PasswordRefused):
        passwords.check_policy(password, "me@example.org", "Ada Lovelace")


@pytest.mark.parametrize(
    "password", ["1234567890", "qwertyuiop", "password123", "Password123", "PASSWORD123"]
)
def test_a_common_password_is_refused_however_it_is_written(password: str) -> None:
    with pytest.raises(PasswordRefused, match="among the first that are guessed"):
        passwords.check_policy(password, "me@example.org")


@pytest.mark.parametrize(
    "password", [PASSWORD, "x\ud800" * 8, "пароль из трёх слов", "  spaces  count  "]
)
def test_no_rule_asks_for_kinds_of_characters(password: str) -> None:
    passwords.check_policy(password, "me@example.org", "")


def test_the_list_of_common_passwords_answers_for_any_text() -> None:
    chance = random.Random(7)
    for _ in range(500):
        text = "".join(chr(chance.randrange(1, 0x2FF)) for _ in range(chance.randrange(10, 40)))
        passwords.check_policy(text, "me@example.org")


async def test_an_account_without_a_password_has_none_that_is_good(hasher: PasswordHasher) -> None:
    for guess in ("", "no account has this password"):
        assert not await hasher.matches(guess, "")


async def test_administrator_makes_and_disables_accounts(world: World) -> None:
    administrator = await world.administrator()
    body = {"email": "New.Person@Example.org", "display_name": "New", "password": PASSWORD}
    made = await administrator.post("/users", json=body)
    assert made.status_code == 201
    assert made.json()["email"] == "new.person@example.org"
    again = await administrator.post("/users", json=body)
    assert again.status_code == 409 and again.json()["code"] == "email_taken"
    weak = await administrator.post(
        "/users", json={**body, "email": "a@b.org", "password": "short"}
    )
    assert weak.status_code == 422 and weak.json()["code"] == "password_refused"

    person = await world.user()
    path = f"/users/{person.user.user_id}"
    assert (await person.get("/me")).status_code == 200
    assert (await administrator.patch(path, json={"active": False})).status_code == 200
    assert (await person.get("/me")).status_code == 401
    assert (await administrator.patch(path, json={"active": True})).status_code == 200
    assert (await person.get("/me")).status_code == 401  # that sign-in stays ended
    sign_in = {"email": person.user.email, "password": PASSWORD}
    answer = await world.anonymous("10.3.0.1").post("/auth/sign-in", json=sign_in)
    assert answer.status_code == 200


async def test_own_name(world: World) -> None:
    client = await world.user()
    answer = await client.patch("/me", json={"display_name": "  Ada Lovelace "})
    assert answer.json()["display_name"] == "Ada Lovelace"
    assert (await client.patch("/me", json={"display_name": "   "})).status_code == 422


async def test_reset_ends_sign_ins_and_tokens(world: World) -> None:
    client = await world.user()
    token = (await client.post("/me/tokens", json={"name": "x"})).json()["token"]
    async with world.database.session() as session:
        await reset_password(session, world.app.state.hasher, client.user.email, "another password")
    assert (await client.get("/me")).status_code == 401
    headers = {"Authorization": f"Bearer {token}"}
    assert (await world.anonymous().get("/me", headers=headers)).status_code == 401
    sign_in = {"email": client.user.email, "password": "another password"}
    answer = await world.anonymous("10.3.0.2").post("/auth/sign-in", json=sign_in)
    assert answer.status_code == 200


async def test_the_last_administrator_stays(world: World) -> None:
    administrator = await world.administrator()
    for user in (await administrator.get("/users")).json():
        if user["is_administrator"] and user["id"] != str(administrator.user.user_id):
            path = f"/users/{user['id']}"
            answer = await administrator.patch(path, json={"is_administrator": False})
            assert answer.status_code == 200
    path = f"/users/{administrator.user.user_id}"
    for change in ({"active": False}, {"is_administrator": False}):
        answer = await administrator.patch(path, json=change)
        assert answer.status_code == 409
        assert answer.json()["code"] == "last_administrator"


async def test_what_has_expired_is_forgotten(world: World) -> None:
    client = await world.user()
    headers = {"Idempotency-Key": "kept"}
    body = {"display_name": "x"}
    assert (await client.patch("/me", json=body, headers=headers)).status_code == 200
    async with world.database.session() as session:
        await forget_expired(session)
    again = await client.patch("/me", json=body, headers=headers)
    assert again.headers["idempotent-replayed"] == "true"
    async with world.database.session() as session:
        later = clock.now() + timedelta(days=100)
        await repository.forget_expired(session, later, clock.now())
    fresh = await client.patch("/me", json=body, headers=headers)
    assert fresh.status_code == 200 and "idempotent-replayed" not in fresh.headers
