"""People with second factors, and what they type."""

from __future__ import annotations

import itertools
from datetime import timedelta

import httpx
import pyotp
from sqlalchemy import update

from reqtrail.features.identity.factors.tables import factor_guards, totp_factors
from reqtrail.features.identity.tables import refresh_families
from reqtrail.kit import clock
from tests.features.identity.authenticator import Authenticator
from tests.fixtures.api import PASSWORD, Client, World

_numbers = itertools.count(1)


def code_of(secret: str, later: int = 0) -> str:
    """Return the code of an authenticator, some time steps from now."""
    return pyotp.TOTP(secret).at(clock.now() + timedelta(seconds=30 * later))


async def enrol_totp(person: Client) -> tuple[str, list[str]]:
    """Add an authenticator; return its secret and the recovery codes. The code of the step before now is used up."""
    begun = await person.post("/me/factors/totp")
    assert begun.status_code == 201, begun.text
    secret: str = begun.json()["secret"]
    body = {"code": code_of(secret, -1)}
    confirmed = await person.post("/me/factors/totp/confirm", json=body)
    assert confirmed.status_code == 200, confirmed.text
    codes: list[str] = confirmed.json()["recovery_codes"]
    return secret, codes


async def add_passkey(person: Client, device: Authenticator | None = None) -> Authenticator:
    """Add a passkey and return its device."""
    device = device or Authenticator()
    asked = (await person.post("/me/factors/passkeys/options")).json()
    body = {
        "challenge": asked["challenge"],
        "name": "Key",
        "credential": device.create(asked["options"]),
    }
    made = await person.post("/me/factors/passkeys", json=body)
    assert made.status_code == 201, made.text
    return device


async def sign_in(world: World, person: Client) -> tuple[Client, httpx.Response]:
    """Type the password in a browser with an address of its own; return it and its answer."""
    number = next(_numbers)
    browser = world.anonymous(f"10.43.{number // 250}.{number % 250}")
    answer = await browser.post(
        "/auth/sign-in", json={"email": person.user.email, "password": PASSWORD}
    )
    return browser, answer


async def challenge(world: World, person: Client) -> tuple[Client, str]:
    """Type the password; return the browser and the challenge that it got."""
    browser, answer = await sign_in(world, person)
    assert answer.status_code == 202, answer.text
    token: str = answer.json()["challenge"]
    return browser, token


async def answer_code(
    browser: Client, token: str, code: str, method: str = "totp"
) -> httpx.Response:
    """Type a code."""
    body = {"challenge": token, "method": method, "code": code}
    return await browser.post("/auth/second-factor", json=body)


async def forget_steps(world: World, person: Client) -> None:
    """Let every code count as new, as if the last one had been used long ago."""
    async with world.database.session() as session:
        mine = totp_factors.c.user_id == person.user.user_id
        await session.execute(update(totp_factors).where(mine).values(last_step=0))


async def unblock(world: World, person: Client) -> None:
    """Let the wait after wrong codes be over."""
    async with world.database.session() as session:
        mine = factor_guards.c.user_id == person.user.user_id
        past = clock.now() - timedelta(seconds=1)
        await session.execute(update(factor_guards).where(mine).values(blocked_until=past))


async def age(world: World, person: Client, minutes: int) -> None:
    """Let the sign-in of a person be older than it is."""
    async with world.database.session() as session:
        mine = refresh_families.c.family_id == person.family_id
        past = clock.now() - timedelta(minutes=minutes)
        await session.execute(
            update(refresh_families).where(mine).values(created_at=past, proven_at=None)
        )
