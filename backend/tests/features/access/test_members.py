"""Members of a project."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


async def test_members_come_change_and_go(world: World) -> None:
    owner, person = await world.user(), await world.user()
    key = await world.project(owner)
    members = f"/projects/{key}/members"
    path = f"{members}/{person.user.user_id}"
    assert (await person.get(f"/projects/{key}")).status_code == 404
    for role in ("viewer", "editor", "owner", "viewer"):
        answer = await owner.put(path, json={"role": role})
        assert answer.status_code == 200 and answer.json()["role"] == role
        assert (await person.get(f"/projects/{key}")).json()["role"] == role
    assert {item["role"] for item in (await person.get(members)).json()} == {"owner", "viewer"}
    assert (await owner.delete(path)).status_code == 204
    assert (await person.get(f"/projects/{key}")).status_code == 404
    assert (await owner.delete(path)).json()["code"] == "member_not_found"


async def test_a_project_keeps_an_owner(world: World) -> None:
    owner = await world.user()
    key = await world.project(owner)
    path = f"/projects/{key}/members/{owner.user.user_id}"
    for answer in (await owner.put(path, json={"role": "viewer"}), await owner.delete(path)):
        assert answer.status_code == 409 and answer.json()["code"] == "last_owner"
    second = await world.member(key, "owner")
    assert (await second.delete(path)).status_code == 204
    assert (await owner.get(f"/projects/{key}")).status_code == 404


async def test_unknown_users_and_roles(world: World) -> None:
    owner = await world.user()
    members = f"/projects/{await world.project(owner)}/members"
    unknown = await owner.put(f"{members}/{uuid4()}", json={"role": "viewer"})
    assert unknown.status_code == 404 and unknown.json()["code"] == "user_not_found"
    wrong = await owner.put(f"{members}/{owner.user.user_id}", json={"role": "king"})
    assert wrong.status_code == 422
