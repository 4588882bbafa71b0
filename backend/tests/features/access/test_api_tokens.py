"""API tokens: limited to permissions and projects, dated, and recognisable."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zlib import crc32

import pytest
from sqlalchemy import update

from reqtrail.features.identity.tables import api_tokens
from reqtrail.features.identity.service.token_text import checksum, is_well_formed, new_token
from reqtrail.features.identity.service.tokens import hash_token
from reqtrail.kit import clock
from tests.fixtures.api import Client, World

pytestmark = pytest.mark.anyio

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


async def _holder(world: World, owner: Client, **body: Any) -> Client:
    made = await owner.post("/me/tokens", json={"name": "CI", **body})
    assert made.status_code == 201, made.text
    holder = world.anonymous()
    holder.headers["Authorization"] = f"Bearer {made.json()['token']}"
    holder.user = owner.user
    return holder


async def _listed(owner: Client) -> dict[str, Any]:
    (token,) = (await owner.get("/me/tokens")).json()
    return dict(token)


def test_tokens_carry_a_checksum_that_anybody_can_check() -> None:
    token = new_token()
    found = re.fullmatch(r"rqt_(\w{30})(\w{6})", token)
    assert found is not None and is_well_formed(token)
    value = 0
    for character in found[2]:
        value = value * 62 + ALPHABET.index(character)
    assert value == crc32(found[1].encode())
    assert checksum("0" * 30) == "2C8GjS"
    changed = f"rqt_{'b' if token[4] == 'a' else 'a'}{token[5:]}"
    for wrong in (changed, token[:-1], token + "x", "rqt_", f"rqt_{'é' * 36}"):
        assert not is_well_formed(wrong)


async def test_a_mistyped_token_is_told_from_a_revoked_one(world: World) -> None:
    client = world.anonymous()
    client.headers["Authorization"] = f"Bearer {new_token()}"
    unknown = await client.get("/me")
    client.headers["Authorization"] = f"Bearer {new_token()[:-1]}"
    mistyped = await client.get("/me")
    assert [answer.json()["code"] for answer in (unknown, mistyped)] == ["token_invalid"] * 2
    assert "mistyped" in mistyped.json()["detail"] and "mistyped" not in unknown.text


async def test_a_token_made_before_goes_on_to_work(world: World) -> None:
    owner = await world.user()
    holder = await _holder(world, owner)
    before = "rqt_" + "aB3_-" * 8 + "xyz"
    async with world.database.session() as session:
        await session.execute(
            update(api_tokens)
            .where(api_tokens.c.user_id == owner.user.user_id)
            .values(token_hash=hash_token(before), hint=None, expires_at=None)
        )
    assert (await holder.get("/me")).status_code == 401
    holder.headers["Authorization"] = f"Bearer {before}"
    assert (await holder.get("/me/tokens")).status_code == 200
    listed = await _listed(owner)
    assert (listed["hint"], listed["expires_at"], listed["permissions"]) == (None, None, None)


async def test_a_token_without_limits_does_what_its_account_does(world: World) -> None:
    owner = await world.user()
    holder = await _holder(world, owner)
    key = await world.project(holder)
    assert (await holder.get(f"/projects/{key}")).json()["role"] == "owner"
    assert (await holder.get("/me/tokens")).status_code == 200
    listed = await _listed(owner)
    assert (listed["permissions"], listed["projects"]) == (None, None)
    token = holder.headers["Authorization"].removeprefix("Bearer ")
    assert listed["hint"] == token[:9]


async def test_a_token_is_limited_to_permissions(world: World) -> None:
    owner = await world.user()
    key = await world.project(owner)
    holder = await _holder(world, owner, permissions=["document:read", "project:read"])
    project, documents = f"/projects/{key}", f"/projects/{key}/documents"
    told = (await holder.get(project)).json()
    assert (told["role"], told["permissions"]) == ("owner", ["document:read", "project:read"])
    assert [item["permissions"] for item in (await holder.get("/projects")).json()] == [
        ["document:read", "project:read"]
    ]
    assert (await holder.get(documents)).status_code == 200
    for refused in (
        await holder.post(documents, json={"title": "x"}),
        await holder.patch(project, json={"name": "x"}),
        await holder.get(f"{project}/members"),
        await holder.get(f"{project}/exports/reqif"),
        await holder.post("/projects", json={"key": "TOKEN1", "name": "x"}),
        await holder.get("/me/tokens"),
        await holder.post("/me/tokens", json={"name": "more"}),
        await holder.patch("/me", json={"display_name": "x"}),
        await holder.get("/groups"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "token_limited"), refused.text
    assert (await holder.get("/me")).status_code == 200
    blind = await _holder(world, owner, permissions=["item:write"])
    assert (await blind.get("/projects")).json()["code"] == "token_limited"
    assert (await blind.post(documents, json={"title": "x"})).status_code == 201


async def test_a_token_gives_no_more_than_its_account_has(world: World) -> None:
    key = await world.project(await world.user())
    viewer = await world.member(key, "viewer")
    holder = await _holder(world, viewer, permissions=["item:write", "document:read"])
    assert (await holder.get(f"/projects/{key}/documents")).status_code == 200
    refused = await holder.post(f"/projects/{key}/documents", json={"title": "x"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_an_administrators_limited_token_administrates_nothing(world: World) -> None:
    administrator = await world.administrator()
    holder = await _holder(world, administrator, permissions=["project:read"])
    assert (await holder.get("/users")).json()["code"] == "token_limited"
    unlimited = await _holder(world, administrator)
    assert (await unlimited.get("/users")).status_code == 200


async def test_a_token_is_limited_to_projects(world: World) -> None:
    owner = await world.user()
    one, other = await world.project(owner), await world.project(owner)
    holder = await _holder(world, owner, projects=[one])
    assert (await holder.get(f"/projects/{one}")).json()["role"] == "owner"
    missing = await holder.get("/projects/NOPE123")
    hidden = await holder.get(f"/projects/{other}")
    assert {**missing.json(), "request_id": 0} == {**hidden.json(), "request_id": 0}
    assert [item["key"] for item in (await holder.get("/projects")).json()] == [one]
    assert (await _listed(owner))["projects"] == [one]
    strange = await world.project(await world.user())
    refused = await owner.post("/me/tokens", json={"name": "x", "projects": [one, strange]})
    assert (refused.status_code, refused.json()["code"]) == (404, "project_not_found")
    heir = await world.member(one, "owner")
    path = f"/projects/{one}/members/{owner.user.user_id}"
    assert (await heir.delete(path)).status_code == 204
    assert (await holder.get(f"/projects/{one}")).status_code == 404
    assert (await _listed(owner))["projects"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"permissions": []},
        {"permissions": ["everything"]},
        {"permissions": ["group:manage"]},
        {"projects": []},
        {"days": 367},
        {"days": 0},
    ],
)
async def test_limits_that_are_none_are_refused(world: World, body: dict[str, Any]) -> None:
    owner = await world.user()
    refused = await owner.post("/me/tokens", json={"name": "x", **body})
    assert refused.status_code == 422, refused.text
    assert (await owner.get("/me/tokens")).json() == []


async def test_a_token_expires_as_the_instance_wants(world: World) -> None:
    owner = await world.user()
    await _holder(world, owner)
    token = await _listed(owner)
    lives = datetime.fromisoformat(token["expires_at"]) - datetime.fromisoformat(
        token["created_at"]
    )
    longest = world.app.state.settings.api_token_days
    assert abs(lives - timedelta(days=longest)) < timedelta(seconds=60)


async def test_a_token_made_with_a_token_does_not_outlast_it(world: World) -> None:
    owner = await world.user()
    holder = await _holder(world, owner, days=3)
    refused = await holder.post("/me/tokens", json={"name": "x", "days": 4})
    assert refused.json()["code"] == "token_lives_too_long"
    made = await holder.post("/me/tokens", json={"name": "child"})
    tokens = {token["name"]: token for token in (await owner.get("/me/tokens")).json()}
    assert made.status_code == 201
    assert tokens["child"]["expires_at"] == tokens["CI"]["expires_at"]


async def test_an_expired_token_is_refused(world: World) -> None:
    owner = await world.user()
    holder = await _holder(world, owner, days=1)
    async with world.database.session() as session:
        await session.execute(
            update(api_tokens)
            .where(api_tokens.c.user_id == owner.user.user_id)
            .values(expires_at=clock.now() - timedelta(seconds=1))
        )
    assert (await holder.get("/me")).json()["code"] == "token_invalid"


async def test_the_last_use_is_written_once_a_minute(world: World) -> None:
    owner = await world.user()
    holder = await _holder(world, owner)
    assert (await _listed(owner))["last_used_at"] is None
    await holder.get("/me")
    await world.app.state.token_use.write()
    first = await _listed(owner)
    assert first["last_used_at"] is not None
    await holder.get("/projects")
    await world.app.state.token_use.write()
    assert await _listed(owner) == first
    async with world.database.session() as session:
        await session.execute(
            update(api_tokens)
            .where(api_tokens.c.token_id == UUID(first["id"]))
            .values(last_used_at=clock.now() - timedelta(minutes=2))
        )
    before = await _listed(owner)
    await holder.get("/me")
    await world.app.state.token_use.write()
    assert (await _listed(owner))["last_used_at"] > before["last_used_at"]


async def test_a_limited_token_uploads_where_it_may(world: World) -> None:
    owner = await world.user()
    key, other = await world.project(owner), await world.project(owner)
    holder = await _holder(world, owner, permissions=["import:run"], projects=[key])
    files = {"file": ("x.jsonl", b"x")}
    accepted = await holder.post(f"/projects/{key}/history-imports", files=files)
    assert accepted.status_code == 202, accepted.text
    refused = await holder.post(f"/projects/{key}/files", files={"file": ("x.png", b"x")})
    assert (refused.status_code, refused.json()["code"]) == (403, "token_limited")
    assert (await holder.post(f"/projects/{other}/imports", files=files)).status_code == 404
