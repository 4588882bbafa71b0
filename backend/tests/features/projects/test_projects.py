"""Making, seeing, changing projects."""

from __future__ import annotations

import asyncio

import pytest

from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


async def test_a_new_project_has_an_owner_and_a_first_commit(world: World) -> None:
    owner = await world.user()
    body = {"key": "BRK", "name": "  Brake ", "description": "Stops the car"}
    made = await owner.post("/projects", json=body)
    assert made.status_code == 201
    project = made.json()
    assert (project["key"], project["name"], project["role"]) == ("BRK", "Brake", "owner")
    assert project["head"]["seq"] == 1 and len(project["head"]["commit"]) == 64
    assert (await owner.get("/projects/BRK")).json() == project
    assert (await owner.get("/projects")).json() == [project]
    other = await world.user()
    assert (await other.get("/projects")).json() == []
    taken = await other.post("/projects", json=body)
    assert taken.status_code == 409 and taken.json()["code"] == "project_key_taken"


@pytest.mark.parametrize("key", ["", "A", "abc", "1AB", "ABCDEFGHIJK", "A-B", "AÄ", "AB\n", " AB"])
async def test_keys_that_are_refused(world: World, key: str) -> None:
    owner = await world.user()
    answer = await owner.post("/projects", json={"key": key, "name": "x"})
    assert answer.status_code == 422
    assert [item["field"] for item in answer.json()["errors"]] == ["body.key"]


async def test_rename_and_archive(world: World) -> None:
    owner = await world.user()
    key = await world.project(owner)
    editor = await world.member(key, "editor")
    path = f"/projects/{key}"
    answer = await owner.patch(path, json={"name": "Renamed", "archived": True})
    assert answer.json()["name"] == "Renamed" and answer.json()["archived"]
    write = await editor.post(f"{path}/documents", json={"title": "x"})
    assert write.status_code == 409 and write.json()["code"] == "project_archived"
    assert (await editor.get(path)).status_code == 200
    assert (await owner.patch(path, json={"archived": False})).json()["archived"] is False
    assert (await owner.patch(path, json={"name": " "})).status_code == 422


async def test_one_key_asked_for_many_times_at_once_is_given_once(world: World) -> None:
    people = [await world.user() for _ in range(6)]
    answers = await asyncio.gather(
        *(person.post("/projects", json={"key": "RACE", "name": "x"}) for person in people)
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5


async def test_administrators_see_every_project(world: World) -> None:
    key = await world.project(await world.user())
    administrator = await world.administrator()
    assert key in {item["key"] for item in (await administrator.get("/projects")).json()}
    assert (await administrator.get(f"/projects/{key}")).json()["role"] == "owner"
