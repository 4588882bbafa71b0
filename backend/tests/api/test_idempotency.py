"""A write with an Idempotency-Key happens once."""

from __future__ import annotations

import asyncio

import pytest

from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


async def test_a_repeated_write_answers_the_same_and_happens_once(world: World) -> None:
    client = await world.user()
    headers = {"Idempotency-Key": "one"}
    body = {"key": "ONCE", "name": "x"}
    first = await client.post("/projects", json=body, headers=headers)
    second = await client.post("/projects", json=body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    other = await client.post("/projects", json={**body, "name": "y"}, headers=headers)
    assert other.status_code == 422 and other.json()["code"] == "idempotency_mismatch"


async def test_a_failed_write_may_be_repeated(world: World) -> None:
    client = await world.user()
    headers = {"Idempotency-Key": "again"}
    key = await world.project(client)
    taken = await client.post("/projects", json={"key": key, "name": "x"}, headers=headers)
    assert taken.status_code == 409
    free = await client.post("/projects", json={"key": "FREE", "name": "x"}, headers=headers)
    assert free.status_code == 201


async def test_the_same_write_at_once_happens_once(world: World) -> None:
    client = await world.user()
    key = await world.project(client)
    before = (await client.get(f"/projects/{key}")).json()["head"]["seq"]
    headers = {"Idempotency-Key": "burst"}
    answers = await asyncio.gather(
        *(
            client.post(f"/projects/{key}/documents", json={"title": "Once"}, headers=headers)
            for _ in range(6)
        )
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert (await client.get(f"/projects/{key}")).json()["head"]["seq"] == before + 1


async def test_keys_belong_to_their_user(world: World) -> None:
    one, other = await world.user(), await world.user()
    headers = {"Idempotency-Key": "shared"}
    assert (
        await one.post("/projects", json={"key": "MINE", "name": "x"}, headers=headers)
    ).status_code == 201
    assert (
        await other.post("/projects", json={"key": "YOURS", "name": "x"}, headers=headers)
    ).status_code == 201


async def test_secrets_are_not_kept(world: World) -> None:
    client = await world.user()
    headers = {"Idempotency-Key": "secret"}
    tokens = [
        (await client.post("/me/tokens", json={"name": "x"}, headers=headers)).json()["token"]
        for _ in range(2)
    ]
    assert tokens[0] != tokens[1]


@pytest.mark.parametrize("key", ["", "x" * 201])
async def test_keys_have_a_length(world: World, key: str) -> None:
    client = await world.user()
    headers = {"Idempotency-Key": key}
    answer = await client.post("/projects", json={"key": "LEN", "name": "x"}, headers=headers)
    assert answer.status_code == 422
