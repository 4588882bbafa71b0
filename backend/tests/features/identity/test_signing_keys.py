"""Signing keys rotate while people work, reach every process without Redis, and are never stored in the open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from reqtrail.entrypoints.web import create_app
from reqtrail.features.identity.public import (
    rotate_old_signing_key,
    rotate_signing_key,
)
from reqtrail.features.identity.service import tokens
from reqtrail.features.identity.signing import keeping
from reqtrail.platform.crypto import SecretUnreadable
from reqtrail.platform.settings import Settings
from tests.fixtures.api import Client, World
from tests.fixtures.engines import Engines

pytestmark = pytest.mark.anyio


@pytest.fixture
async def two(
    engines: Engines, worker: str, settings: Settings
) -> AsyncIterator[tuple[World, World]]:
    """Two API processes, without Redis, on a database of their own: keys are of the whole instance."""
    url = engines.clone(f"signing_{worker}")
    alone = settings.model_copy(update={"database_url": url, "redis_url": None})
    one, other = create_app(alone), create_app(alone)
    async with one.router.lifespan_context(one), other.router.lifespan_context(other):
        worlds = World(one), World(other)
        yield worlds
        for world in worlds:
            await world.aclose()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


def _active(app: FastAPI) -> str:
    return str(app.state.signer.keys.active().kid)


async def _rotate(world: World, *, revoke: bool = False) -> str:
    async with world.database.session() as session:
        return await rotate_signing_key(session, revoke=revoke)


async def _me(world: World, person: Client) -> int:
    headers = {"Authorization": person.headers["authorization"]}
    return (await world.anonymous().get("/me", headers=headers)).status_code


async def _published(world: World) -> list[str]:
    answer = await world.anonymous().get("http://testserver/.well-known/jwks.json")
    assert answer.status_code == 200
    return [key["kid"] for key in answer.json()["keys"]]


async def test_a_rotation_signs_nobody_out(two: tuple[World, World]) -> None:
    one, other = two
    assert _active(one.app) == _active(other.app)
    before = await one.user()
    assert await _me(one, before) == await _me(other, before) == 200
    first = _active(one.app)
    second = await _rotate(one)
    await _until(lambda: _active(one.app) == second == _active(other.app))
    after = await other.sign_in_as(before.user)
    for world in two:
        assert await _me(world, before) == 200
        assert await _me(world, after) == 200
        assert await _published(world) == [second, first]


async def test_a_token_of_a_key_that_is_news_is_good_at_once(two: tuple[World, World]) -> None:
    """A process that has not heard of the new key asks the database when a token names it."""
    one, other = two
    second = await _rotate(one)
    await one.app.state.signer.keys.load()
    assert _active(one.app) == second
    person = await one.user()
    assert await _me(other, person) == 200


async def test_unknown_keys_do_not_make_a_process_ask_again_and_again(
    two: tuple[World, World],
) -> None:
    keys = two[0].app.state.signer.keys
    await keys.look_up("first")
    await keys.stop()
    await _rotate(two[0])
    await asyncio.gather(*(keys.look_up(f"unknown {number}") for number in range(100)))
    assert len(await _published(two[0])) == 1  # none of them read the new key


async def test_after_a_leak_nothing_signed_before_is_good(two: tuple[World, World]) -> None:
    one, other = two
    person = await one.user()
    assert await _me(one, person) == await _me(other, person) == 200
    second = await _rotate(one, revoke=True)
    await _until(lambda: _active(one.app) == second == _active(other.app))
    assert await _me(one, person) == await _me(other, person) == 401
    assert await _published(one) == [second]
    assert await _me(other, await one.sign_in_as(person.user)) == 200


async def test_a_retired_key_ends_when_its_tokens_have(two: tuple[World, World]) -> None:
    one, _ = two
    person, first = await one.user(), _active(one.app)
    second = await _rotate(one)
    async with one.database.session() as session:
        row = (
            await session.execute(
                text("SELECT expires_at - retired_at AS kept FROM signing_keys WHERE kid = :kid"),
                {"kid": first},
            )
        ).one()
        assert row.kept >= timedelta(minutes=60)
        await session.execute(
            text("UPDATE signing_keys SET expires_at = now() WHERE kid = :kid"), {"kid": first}
        )
    await one.app.state.signer.keys.load()
    assert await _published(one) == [second]
    assert await _me(one, person) == 401


async def test_what_was_fingerprinted_before_a_rotation_is_recognised_after_it(
    two: tuple[World, World],
) -> None:
    one, _ = two
    person = await one.user()
    headers = {"Idempotency-Key": "before"}
    body = {"display_name": "Ada"}
    assert (await person.patch("/me", json=body, headers=headers)).status_code == 200
    await _rotate(one)
    await one.app.state.signer.keys.load()
    again = await person.patch("/me", json=body, headers=headers)
    assert again.headers["idempotent-replayed"] == "true"


async def test_private_parts_are_encrypted_and_end_with_their_use(two: tuple[World, World]) -> None:
    one, _ = two
    active = one.app.state.signer.keys.active().as_dict(private=True)
    answer = await one.anonymous().get("http://testserver/.well-known/jwks.json")
    (shown,) = answer.json()["keys"]
    assert "d" not in shown and shown["alg"] == "ES256" and shown["use"] == "sig"
    assert answer.headers["cache-control"] == "public, max-age=60"
    async with one.database.read_session() as session:
        (row,) = (await session.execute(text("SELECT * FROM signing_keys"))).all()
    assert active["d"].encode() not in row.sealed_private_key
    assert active["d"] not in json.dumps(row.public_key)
    await _rotate(one)
    async with one.database.read_session() as session:
        left = await session.execute(
            text("SELECT sealed_private_key IS NULL FROM signing_keys ORDER BY created_at")
        )
        assert [gone for (gone,) in left] == [True, False]


async def test_only_an_old_key_is_replaced(two: tuple[World, World]) -> None:
    one, _ = two
    async with one.database.session() as session:
        assert await rotate_old_signing_key(session, 90) is None
        await session.execute(
            text("UPDATE signing_keys SET created_at = created_at - interval '91 days'")
        )
        made = await rotate_old_signing_key(session, 90)
        assert made is not None
        assert await rotate_old_signing_key(session, 90) is None


async def test_rotations_at_the_same_time_leave_one_active_key(two: tuple[World, World]) -> None:
    made = await asyncio.gather(*(_rotate(world) for world in two * 3))
    async with two[0].database.read_session() as session:
        stored = await keeping.current_keys(session)
    active = [key.kid for key in stored if key.retired_at is None]
    assert len(active) == 1 and active[0] in made
    assert len(stored) == 7


async def test_a_private_key_is_bound_to_its_name(two: tuple[World, World]) -> None:
    """Somebody who can write to the table cannot pass one key's private part for another's."""
    one, _ = two
    async with one.database.session() as session:
        await session.execute(text("UPDATE signing_keys SET kid = 'other'"))
    with pytest.raises(SecretUnreadable):
        await one.app.state.signer.keys.load()


async def test_many_tokens_are_remembered_but_not_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "REMEMBERED", 5)
    signer = world.app.state.signer
    signer._checked.clear()
    person = await world.user()
    made: list[Any] = [signer.sign(person.user.user_id, person.family_id, "api") for _ in range(12)]
    for token in made:
        await signer.check(token, "api")
    assert len(signer._checked) == 5
    headers = {"Authorization": f"Bearer {made[0]}"}
    assert (await world.anonymous().get("/me", headers=headers)).status_code == 200
