"""Groups: who may know of them and decide about them, and the roles that they give."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from reqtrail.features.access.public import Role
from tests.fixtures.api import Client, World

pytestmark = pytest.mark.anyio


async def _group(administrator: Client, *members: Client, manager: Client | None = None) -> str:
    made = await administrator.post("/groups", json={"name": f"Group {uuid4()}"})
    assert made.status_code == 201, made.text
    group: str = made.json()["id"]
    for client in (*members, *([manager] if manager else [])):
        body = {"manages": client is manager}
        path = f"/groups/{group}/members/{client.user.user_id}"
        assert (await administrator.put(path, json=body)).status_code == 200
    return group


async def test_the_view_ranks_roles_as_the_code_does(world: World) -> None:
    async with world.database.session() as session:
        definition = await session.scalar(text("SELECT pg_get_viewdef('project_access'::regclass)"))
    ranking = ", ".join(f"'{role}'::text" for role in Role)
    assert str(definition).count(f"ARRAY[{ranking}]") == 3


async def test_a_group_gives_its_members_a_role(world: World) -> None:
    owner, person = await world.user(), await world.user()
    administrator = await world.administrator()
    key = await world.project(owner)
    group = await _group(administrator, owner, person)
    grant = f"/projects/{key}/groups/{group}"
    assert (await person.get(f"/projects/{key}")).status_code == 404
    for role in ("viewer", "editor", "commenter"):
        assert (await owner.put(grant, json={"role": role})).json()["role"] == role
        assert (await person.get(f"/projects/{key}")).json()["role"] == role
        assert [item["role"] for item in (await person.get("/projects")).json()] == [role]
    listed = (await person.get(f"/projects/{key}/groups")).json()
    assert [(item["group_id"], item["member_count"]) for item in listed] == [(group, 2)]
    assert (await owner.delete(grant)).status_code == 204
    assert (await person.get(f"/projects/{key}")).status_code == 404
    assert (await owner.delete(grant)).json()["code"] == "group_not_found"


async def test_the_highest_role_counts(world: World) -> None:
    owner = await world.user()
    administrator = await world.administrator()
    key = await world.project(owner)
    person = await world.member(key, "commenter")
    groups = [await _group(administrator, person) for _ in range(2)]
    for group, role in zip(groups, ("viewer", "editor"), strict=True):
        path = f"/projects/{key}/groups/{group}"
        assert (await administrator.put(path, json={"role": role})).status_code == 200
    assert (await person.get(f"/projects/{key}")).json()["role"] == "editor"
    members = {
        item["user_id"]: item for item in (await owner.get(f"/projects/{key}/members")).json()
    }
    mine = members[str(person.user.user_id)]
    assert (mine["role"], mine["direct_role"], len(mine["groups"])) == ("editor", "commenter", 2)
    assert members[str(owner.user.user_id)]["direct_role"] == "owner"
    out = await administrator.delete(f"/groups/{groups[1]}/members/{person.user.user_id}")
    assert out.status_code == 204
    assert (await person.get(f"/projects/{key}")).json()["role"] == "commenter"
    gone = await owner.delete(f"/projects/{key}/members/{person.user.user_id}")
    assert gone.status_code == 204
    assert (await person.get(f"/projects/{key}")).json()["role"] == "viewer"
    again = await owner.delete(f"/projects/{key}/members/{person.user.user_id}")
    assert again.json()["code"] == "member_not_found"


async def test_only_its_members_know_of_a_group(world: World) -> None:
    member, manager, outsider = await world.user(), await world.user(), await world.user()
    administrator = await world.administrator()
    group = await _group(administrator, member, manager=manager)
    path = f"/groups/{group}"
    person = f"{path}/members/{outsider.user.user_id}"
    body = {"manages": False}
    assert [item["id"] for item in (await outsider.get("/groups")).json()] == []
    assert [item["manages"] for item in (await member.get("/groups")).json()] == [False]
    assert [item["manages"] for item in (await manager.get("/groups")).json()] == [True]
    assert (await outsider.get(f"{path}/members")).json()["code"] == "group_not_found"
    assert (await outsider.patch(path, json={"name": "Mine"})).status_code == 404
    assert (await member.patch(path, json={"name": "Mine"})).status_code == 403
    assert (await member.put(person, json=body)).status_code == 403
    assert len((await member.get(f"{path}/members")).json()) == 2
    assert (await manager.patch(path, json={"description": "d"})).json()["description"] == "d"
    assert (await manager.put(person, json=body)).status_code == 200
    assert (await outsider.get(f"{path}/members")).status_code == 200
    assert (await manager.delete(person)).status_code == 204
    assert (await manager.delete(person)).json()["code"] == "member_not_found"
    by_address: dict[str, Any] = {"email": outsider.user.email.upper()}
    assert (await manager.post(f"{path}/members", json=by_address)).status_code == 201
    unknown = {"email": "nobody@example.org"}
    answer = await manager.post(f"{path}/members", json=unknown)
    assert answer.json()["code"] == "user_not_found"
    assert (await manager.delete(path)).status_code == 403
    assert (await administrator.delete(path)).status_code == 204
    assert (await administrator.delete(path)).status_code == 404


async def test_group_names_are_taken_once(world: World) -> None:
    administrator = await world.administrator()
    name = f"Brakes {uuid4()}"
    first = await administrator.post("/groups", json={"name": name})
    second = await administrator.post("/groups", json={"name": name.upper()})
    assert (first.status_code, second.json()["code"]) == (201, "group_name_taken")
    other = (await administrator.post("/groups", json={"name": f"x{uuid4()}"})).json()["id"]
    renamed = await administrator.patch(f"/groups/{other}", json={"name": name})
    assert renamed.json()["code"] == "group_name_taken"
    same = await administrator.patch(f"/groups/{first.json()['id']}", json={"name": name.upper()})
    assert same.json()["name"] == name.upper()


async def test_owners_give_roles_to_groups_that_they_know(world: World) -> None:
    owner, stranger = await world.user(), await world.user()
    administrator = await world.administrator()
    key = await world.project(owner)
    group = await _group(administrator, stranger)
    grant = f"/projects/{key}/groups/{group}"
    unknown = await owner.put(f"/projects/{key}/groups/{uuid4()}", json={"role": "viewer"})
    hidden = await owner.put(grant, json={"role": "viewer"})
    assert {**unknown.json(), "request_id": 0} == {**hidden.json(), "request_id": 0}
    assert (await administrator.put(grant, json={"role": "viewer"})).status_code == 200
    assert (await owner.put(grant, json={"role": "editor"})).status_code == 200  # it is there now


async def test_a_project_keeps_an_owner_through_groups(world: World) -> None:
    owner, heir = await world.user(), await world.user()
    administrator = await world.administrator()
    key = await world.project(owner)
    group = await _group(administrator, heir)
    grant, own = f"/projects/{key}/groups/{group}", f"/projects/{key}/members/{owner.user.user_id}"
    seat = f"/groups/{group}/members/{heir.user.user_id}"
    assert (await administrator.put(grant, json={"role": "owner"})).status_code == 200
    assert (await owner.delete(own)).status_code == 204
    for refused in (
        await heir.delete(grant),
        await heir.put(grant, json={"role": "editor"}),
        await administrator.delete(seat),
        await administrator.delete(f"/groups/{group}"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "last_owner")
    assert (await heir.get(f"/projects/{key}")).json()["role"] == "owner"


async def test_an_owner_that_is_switched_off_does_not_count(world: World) -> None:
    owner = await world.user()
    administrator = await world.administrator()
    key = await world.project(owner)
    second = await world.member(key, "owner")
    path = f"/users/{second.user.user_id}"
    assert (await administrator.patch(path, json={"active": False})).status_code == 200
    refused = await owner.delete(f"/projects/{key}/members/{owner.user.user_id}")
    assert refused.json()["code"] == "last_owner"


async def test_two_owners_do_not_leave_at_once(world: World) -> None:
    first = await world.user()
    key = await world.project(first)
    second = await world.member(key, "owner")
    answers = await asyncio.gather(
        *(
            client.delete(f"/projects/{key}/members/{client.user.user_id}")
            for client in (first, second)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [204, 409]
