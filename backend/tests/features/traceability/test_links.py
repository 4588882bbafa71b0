"""Links: both ways, their rules, and what becomes of them when an item goes."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.features.requirements.book import Book
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


class Pair:
    """Two items of one project."""

    def __init__(self, book: Book, one: dict[str, Any], two: dict[str, Any]) -> None:
        self.book, self.one, self.two = book, one, two

    @classmethod
    async def make(cls, world: World) -> Pair:
        book = await Book.make(world)
        return cls(book, await book.item("One"), await book.item("Two"))

    def fields(self, **other: Any) -> dict[str, Any]:
        kind = self.book.type_id("derives from")
        ends = {"source_id": self.one["id"], "target_id": self.two["id"]}
        return {**ends, "type_id": kind, **other}

    async def link(self, **other: Any) -> Any:
        return await self.book.ask("POST", "/links", json=self.fields(**other))

    async def links(self, item: dict[str, Any]) -> tuple[list[Any], list[Any]]:
        found = await self.book.get(f"/items/{item['key']}/links")
        return found["outgoing"], found["incoming"]


async def test_a_link_is_seen_from_both_ends(world: World) -> None:
    pair = await Pair.make(world)
    assert (await pair.link()).status_code == 201
    (leaving,), nothing = await pair.links(pair.one)
    assert nothing == [] and leaving["type_id"] == pair.book.type_id("derives from")
    assert (leaving["other"]["key"], leaving["other"]["title"]) == (pair.two["key"], "Two")
    _, (arriving,) = await pair.links(pair.two)
    assert arriving["id"] == leaving["id"] and arriving["other"]["title"] == "One"


async def test_links_without_valid_ends_are_refused(world: World) -> None:
    pair = await Pair.make(world)
    other = await Pair.make(world)
    for change, code in (
        ({"target_id": pair.one["id"]}, "link_broken"),
        ({"target_id": str(uuid4())}, "link_broken"),
        ({"target_id": other.one["id"]}, "link_broken"),
        ({"target_id": pair.book.document}, "link_broken"),
        ({"type_id": str(uuid4())}, "link_broken"),
        ({"attributes": {str(uuid4()): "x"}}, "write_invalid"),
    ):
        answer = await pair.link(**change)
        assert answer.json().get("code") == code, change
        assert answer.json()["type"] == f"urn:reqtrail:problem:{code}", change
    assert await pair.links(pair.one) == ([], [])


async def test_the_same_link_stands_once(world: World) -> None:
    pair = await Pair.make(world)
    answers = await asyncio.gather(*(pair.link() for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"link_exists"}
    assert (await pair.link(type_id=pair.book.type_id("verifies"))).status_code == 201
    back = {"source_id": pair.two["id"], "target_id": pair.one["id"]}
    assert (await pair.link(**back)).status_code == 201


async def test_links_are_changed_and_deleted(world: World) -> None:
    pair = await Pair.make(world)
    await pair.link()
    (link,), _ = await pair.links(pair.one)
    other = pair.book.type_id("satisfies")
    changed = await pair.book.ask("PATCH", f"/links/{link['id']}", json={"type_id": other})
    assert changed.status_code == 200
    assert (await pair.links(pair.one))[0][0]["type_id"] == other
    assert (await pair.book.ask("DELETE", f"/links/{link['id']}")).status_code == 200
    assert await pair.links(pair.one) == ([], [])
    assert (await pair.book.ask("DELETE", f"/links/{uuid4()}")).status_code == 404


async def test_changes_of_links_say_what_or_why(world: World) -> None:
    pair = await Pair.make(world)
    why = {"message": "Trace review"}
    await pair.link()
    (link,), _ = await pair.links(pair.one)
    other = {"type_id": pair.book.type_id("satisfies")}
    path = f"/links/{link['id']}"
    await pair.book.ask("PATCH", path, json=other)
    await pair.book.ask("DELETE", path)
    await pair.link(**why)
    (link,), _ = await pair.links(pair.one)
    path = f"/links/{link['id']}"
    await pair.book.ask("PATCH", path, json={**other, **why})
    await pair.book.ask("DELETE", path, params=why)
    commits = (await pair.book.get("/commits"))["commits"]
    assert [commit["message"] for commit in commits[:6]] == [
        *["Trace review"] * 3,
        "Link deleted",
        "Link changed",
        "Link added",
    ]
    refused = await pair.book.ask("DELETE", path, params={"message": "x" * 2001})
    assert refused.status_code == 422


async def test_deleting_an_item_deletes_its_links_and_says_so(world: World) -> None:
    pair = await Pair.make(world)
    await pair.link()
    answer = await pair.book.ask("DELETE", f"/items/{pair.two['key']}")
    assert answer.status_code == 200
    kinds = sorted((change["kind"], change["action"]) for change in answer.json()["changes"])
    assert [kind for kind, _ in kinds] == ["item", "link", "placement"]
    assert await pair.links(pair.one) == ([], [])
    assert (await pair.book.ask("POST", "/undo")).status_code < 300
    assert len((await pair.links(pair.one))[0]) == 1


async def test_both_ends_of_a_link_are_deleted_in_one_commit(world: World) -> None:
    pair = await Pair.make(world)
    await pair.link()
    await pair.book.done(
        *({"op": "delete", "kind": "item", "id": item["id"]} for item in (pair.one, pair.two))
    )
    assert (await pair.book.get("/items"))["items"] == []


async def test_a_link_made_while_its_end_is_deleted_does_not_dangle(world: World) -> None:
    pair = await Pair.make(world)
    linked, deleted = await asyncio.gather(
        pair.link(), pair.book.ask("DELETE", f"/items/{pair.two['key']}")
    )
    assert deleted.status_code == 200 and linked.status_code in {201, 409}
    assert await pair.links(pair.one) == ([], [])


async def test_restoring_a_link_without_its_end_is_refused(world: World) -> None:
    pair = await Pair.make(world)
    await pair.link()
    (link,), _ = await pair.links(pair.one)
    await pair.book.ask("DELETE", f"/items/{pair.two['key']}")
    answer = await pair.book.commit({"op": "restore", "kind": "link", "id": link["id"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "link_broken")


async def test_a_link_type_in_use_stays(world: World) -> None:
    pair = await Pair.make(world)
    await pair.link()
    kind = pair.book.type_id("derives from")
    answer = await pair.book.commit({"op": "delete", "kind": "type", "id": kind})
    assert answer.status_code == 409
    unused = pair.book.type_id("relates to")
    await pair.book.done({"op": "delete", "kind": "type", "id": unused})


async def test_links_are_read_at_a_version(world: World) -> None:
    pair = await Pair.make(world)
    before = (await pair.book.get("/documents"))["ref"]["seq"]
    await pair.link()
    path = f"/items/{pair.one['key']}/links"
    assert (await pair.book.get(path, at=f"main@{before}"))["outgoing"] == []
    assert len((await pair.book.get(path))["outgoing"]) == 1


async def test_viewers_do_not_link(world: World) -> None:
    pair = await Pair.make(world)
    viewer = await world.member(pair.book.key, "viewer")
    answer = await viewer.post(f"/projects/{pair.book.key}/links", json=pair.fields())
    assert answer.status_code == 403
