"""The tree of a document: moving, indenting, reuse, deleting, under concurrency."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from tests.features.requirements.book import Book
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


async def test_items_stand_where_they_were_put(world: World) -> None:
    book = await Book.make(world)
    first = await book.place("one")
    third = await book.place("three")
    await book.place("two", after=first)
    await book.place("zero", first=True)
    await book.place("below", parent_id=third)
    await book.place("before three", before=third)
    assert await book.shape() == [
        *("1 zero", "2 one", "3 two", "4 before three", "5 three", "5.1 below"),
    ]
    rows = await book.outline()
    assert [row[2] for row in rows] == [0, 0, 0, 0, 0, 1]
    assert rows[5][1] == 4 and rows[4][8] is True and rows[5][8] is False


async def test_moving_a_subtree_keeps_it_together(world: World) -> None:
    book = await Book.make(world)
    chapter, other = await book.place("chapter"), await book.place("other")
    inner = await book.place("inner", parent_id=chapter)
    await book.place("leaf", parent_id=inner)
    await book.done(book.move(chapter, parent_id=other))
    assert await book.shape() == ["1 other", "1.1 chapter", "1.1.1 inner", "1.1.1.1 leaf"]
    await book.done(book.move(inner, after=other))
    assert await book.shape() == ["1 other", "1.1 chapter", "2 inner", "2.1 leaf"]


async def test_several_operations_of_one_commit_see_each_other(world: World) -> None:
    book = await Book.make(world)
    ids = [str(uuid4()) for _ in range(6)]
    operations: list[dict[str, object]] = []
    for index in range(3):
        item, placement = ids[index], ids[index + 3]
        fields = {
            "type_id": book.type_id("Requirement"),
            "attributes": book.values(Title=f"n{index}"),
        }
        operations.append({"op": "create", "kind": "item", "id": item, "fields": fields})
        position = {"document_id": book.document, **({"after": ids[index + 2]} if index else {})}
        operations.append(
            {
                **{"op": "create", "kind": "placement", "id": placement},
                **{"fields": {"item_id": item}, "position": position},
            }
        )
    answer = await book.done(*operations)
    assert await book.shape() == ["1 n0", "2 n1", "3 n2"]
    assert len(answer["items"]) == 3 and len(answer["changes"]) == 6


@pytest.mark.parametrize("depth", [0, 1, 3])
async def test_nothing_moves_below_itself(world: World, depth: int) -> None:
    book = await Book.make(world)
    top = lowest = await book.place("top")
    for level in range(depth):
        lowest = await book.place(f"level {level}", parent_id=lowest)
    before = await book.shape()
    answer = await book.commit(book.move(top, parent_id=lowest))
    assert (answer.status_code, answer.json()["code"]) == (409, "tree_broken")
    assert await book.shape() == before


async def test_two_moves_of_one_commit_cannot_form_a_cycle(world: World) -> None:
    book = await Book.make(world)
    one, two = await book.place("one"), await book.place("two")
    answer = await book.commit(book.move(one, parent_id=two), book.move(two, parent_id=one))
    assert answer.json()["code"] == "tree_broken"


async def test_concurrent_moves_below_each_other_leave_a_forest(world: World) -> None:
    book = await Book.make(world)
    one, two = await book.place("one"), await book.place("two")
    answers = await asyncio.gather(
        book.commit(book.move(one, parent_id=two)), book.commit(book.move(two, parent_id=one))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert len(await book.outline()) == 2


async def test_concurrent_insertions_all_arrive_in_one_order(world: World) -> None:
    book = await Book.make(world)
    anchor = await book.place("anchor")
    await book.place("end")
    await asyncio.gather(*(book.place(f"new {number}", after=anchor) for number in range(12)))
    titles = [row[6] for row in await book.outline()]
    assert titles[0] == "anchor" and titles[-1] == "end"
    assert sorted(titles[1:-1]) == sorted(f"new {number}" for number in range(12))
    assert titles == [row[6] for row in await book.outline()]


async def test_a_position_that_is_gone_is_refused(world: World) -> None:
    book = await Book.make(world)
    stays, goes = await book.place("stays"), await book.place("goes")
    other = await Book.make(world)
    foreign = await other.place("foreign")
    await book.done({"op": "delete", "kind": "placement", "id": goes})
    for position, code in (
        ({"after": goes}, "position_invalid"),
        ({"before": str(uuid4())}, "position_invalid"),
        ({"parent_id": goes}, "tree_broken"),
        ({"parent_id": foreign}, "tree_broken"),
        ({"document_id": str(uuid4())}, "reference_broken"),
    ):
        answer = await book.commit(book.move(stays, **position))
        assert answer.json().get("code") == code, position


async def test_one_item_stands_in_two_places(world: World) -> None:
    book = await Book.make(world)
    item = await book.item("reused")
    chapter = await book.place("chapter")
    await book.done(
        {
            **{"op": "create", "kind": "placement", "fields": {"item_id": item["id"]}},
            "position": {"document_id": book.document, "parent_id": chapter},
        }
    )
    assert await book.shape() == ["1 reused", "2 chapter", "2.1 reused"]
    placements = (await book.get(f"/items/{item['key']}"))["item"]["placements"]
    assert len(placements) == 2
    gone = {"op": "delete", "kind": "placement", "id": placements[0]["placement_id"], "items": True}
    await book.done(gone)
    assert (await book.get(f"/items/{item['key']}"))["item"]["deleted"] is False


async def test_deleting_a_placement_takes_its_subtree_but_not_the_items(world: World) -> None:
    book = await Book.make(world)
    chapter = await book.place("chapter")
    below = await book.place("below", parent_id=chapter)
    await book.place("deeper", parent_id=below)
    await book.done(
        {"op": "delete", "kind": "placement", "id": chapter},
        {"op": "delete", "kind": "placement", "id": below},
    )
    assert await book.outline() == []
    unplaced = (await book.get("/items", state="unplaced"))["items"]
    assert sorted(item["title"] for item in unplaced) == ["below", "chapter", "deeper"]


async def test_deleting_with_items_deletes_them_and_undo_brings_all_back(world: World) -> None:
    book = await Book.make(world)
    chapter = await book.place("chapter")
    await book.place("below", parent_id=chapter)
    await book.done({"op": "delete", "kind": "placement", "id": chapter, "items": True})
    assert (await book.get("/items", state="unplaced"))["items"] == []
    deleted = (await book.get("/items", state="deleted"))["items"]
    assert sorted(item["title"] for item in deleted) == ["below", "chapter"]
    assert (await book.ask("POST", "/undo")).status_code < 300
    assert await book.shape() == ["1 chapter", "1.1 below"]


async def test_an_item_with_others_below_it_is_not_deleted_alone(world: World) -> None:
    book = await Book.make(world)
    item = await book.item("chapter")
    await book.place("below", parent_id=item["placements"][0]["placement_id"])
    answer = await book.ask("DELETE", f"/items/{item['key']}")
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")


async def test_a_child_added_while_its_parent_is_deleted_is_no_orphan(world: World) -> None:
    book = await Book.make(world)
    chapter = await book.place("chapter")
    await asyncio.gather(
        book.commit({"op": "delete", "kind": "placement", "id": chapter}),
        book.ask(
            "POST",
            "/items",
            json={
                "type_id": book.type_id("Requirement"),
                "attributes": book.values(Title="late"),
                "position": {"document_id": book.document, "parent_id": chapter},
            },
        ),
    )
    assert await book.outline() == []
    assert (await book.ask("POST", "/verify")).json()["ok"] is True


async def test_a_document_is_deleted_with_its_placements_not_its_items(world: World) -> None:
    book = await Book.make(world)
    chapter = await book.place("chapter")
    await book.place("below", parent_id=chapter)
    await book.done({"op": "delete", "kind": "document", "id": book.document})
    assert (await book.get("/documents"))["documents"] == []
    assert (await book.ask("GET", f"/documents/{book.document}/outline")).status_code == 404
    assert len((await book.get("/items", state="unplaced"))["items"]) == 2


async def test_depth_has_a_bound(world: World) -> None:
    book = await Book.make(world)
    operations, parent = [], None
    item = await book.item("reused")
    for _ in range(101):
        placement = str(uuid4())
        position = {"document_id": book.document, "parent_id": parent}
        operations.append(
            {
                **{"op": "create", "kind": "placement", "id": placement},
                **{"fields": {"item_id": item["id"]}, "position": position},
            }
        )
        parent = placement
    answer = await book.commit(*operations)
    assert (answer.status_code, answer.json()["code"]) == (409, "tree_broken")
    await book.done(*operations[:100])
