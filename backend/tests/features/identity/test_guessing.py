"""Guessing passwords over HTTP becomes slow, and keeps nobody out for good."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from reqtrail.features.identity.service.passwords import HASHING_NICENESS, PasswordHasher

from tests.fixtures.api import PASSWORD, World
from tests.fixtures.mails import token_to

pytestmark = pytest.mark.anyio


async def _status(world: World, email: str, address: str, password: str = "nonsense") -> int:
    body = {"email": email, "password": password}
    return (await world.anonymous(address).post("/auth/sign-in", json=body)).status_code


async def _block(world: World, email: str, network: str) -> None:
    for number in range(10):
        assert await _status(world, email, f"{network}.{number}.1") == 401
    assert await _status(world, email, f"{network}.99.1", PASSWORD) == 429


@pytest.mark.parametrize("known", [True, False])
async def test_an_account_is_guarded_against_many_networks(world: World, known: bool) -> None:
    email = (await world.user()).user.email if known else "no-such-account@example.org"
    await _block(world, email, "10.30" if known else "10.31")
    body = {"email": f" {email.upper()} ", "password": "nonsense"}
    refused = await world.anonymous("10.32.0.1").post("/auth/sign-in", json=body)
    assert refused.status_code == 429 and refused.json()["code"] == "rate_limited"
    assert 1 <= int(refused.headers["retry-after"]) <= 5
    other = await world.user()
    assert await _status(world, other.user.email, "10.32.0.2", PASSWORD) == 200


@pytest.mark.parametrize("network", ["10.33.0.{}", "2001:db8:0:33::{:x}"])
async def test_many_accounts_are_guarded_against_one_network(world: World, network: str) -> None:
    person = await world.user()
    for number in range(50):
        email, address = f"nobody{number}-{network}@example.org", network.format(number)
        assert await _status(world, email.replace("{", "").replace("}", ""), address) == 401
    assert await _status(world, person.user.email, network.format(200), PASSWORD) == 429
    assert await _status(world, person.user.email, "10.34.0.1", PASSWORD) == 200


async def test_an_office_behind_one_address_signs_in(world: World) -> None:
    people = [await world.user() for _ in range(6)]
    for _ in range(10):
        for person in people:
            assert await _status(world, person.user.email, "10.35.0.1", PASSWORD) == 200


async def test_a_session_in_use_ends_the_wait(world: World) -> None:
    person = await world.user()
    browser = world.anonymous("10.36.200.1")
    body = {"email": person.user.email, "password": PASSWORD}
    assert (await browser.post("/auth/sign-in", json=body)).status_code == 200
    await _block(world, person.user.email, "10.36")
    assert (await browser.post("/auth/refresh")).status_code == 200
    assert await _status(world, person.user.email, "10.36.201.1", PASSWORD) == 200


async def test_a_reset_by_mail_ends_the_wait(world: World) -> None:
    person = await world.user()
    await _block(world, person.user.email, "10.37")
    browser = world.anonymous("10.37.200.1")
    asked = await browser.post("/auth/password-resets", json={"email": person.user.email})
    assert asked.status_code == 202
    body = {
        "token": await token_to(world, person.user.email, "reset-password"),
        "password": "an entirely new one",
    }
    assert (await browser.post("/auth/password-resets/complete", json=body)).status_code == 204
    assert await _status(world, person.user.email, "10.37.201.1", "an entirely new one") == 200


async def test_the_present_password_is_not_guessed_with_a_stolen_session(world: World) -> None:
    person = await world.user()
    wrong = {"email": "thief@example.org", "password": "nonsense"}
    statuses = [(await person.post("/me/email", json=wrong)).status_code for _ in range(5)]
    body = {"current": "nonsense", "new": "an entirely new one"}
    statuses += [(await person.post("/me/password", json=body)).status_code for _ in range(6)]
    assert statuses == [422] * 10 + [429]
    # And its owner is not kept from signing in by it.
    assert await _status(world, person.user.email, "10.38.0.1", PASSWORD) == 200


async def test_hashing_gives_way_to_everything_else() -> None:
    """A flood of sign-ins may keep those waiting who sign in, not those who work."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    hasher = PasswordHasher(rounds=4, workers=1)
    await hasher.hash("correct horse battery")
    nice = await asyncio.get_running_loop().run_in_executor(
        hasher._pool, lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    )
    hasher.close()
    assert nice == min(19, before + HASHING_NICENESS)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
