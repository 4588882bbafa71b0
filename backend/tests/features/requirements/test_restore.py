"""Restores of documents, chapters and items from any version: what comes back, what stays, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.features.requirements.book import Book, Json
from tests.features.requirements.restores import head, place_of, preview, restore, restored
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


def _delete(placement: str) -> Json:
    return {"op": "delete", "kind": "placement", "id": placement, "items": True}


def _edit(book: Book, item: Json, **named: Any) -> Json:
    fields = {"attributes": book.values(**named)}
    return {"op": "update", "kind": "item", "id": item["id"], "fields": fields}


async def test_a_deleted_chapter_comes_back_with_its_items_links_and_order(world: World) -> None:
    book = await Book.make(world)
    chapter = await book.item("chapter")
    one = await book.item("one", parent_id=place_of(chapter))
    await book.item("two", parent_id=place_of(chapter))
    outside = await book.item("outside")
    link = await book.ask(
        "POST", "/links", json={"source_id": one["id"], "target_id": outside["id"]}
    )
    assert link.status_code == 201, link.text
    then = await head(book)
    await book.done(_delete(place_of(chapter)))
    assert await book.shape() == ["1 outside"]
    result = await restored(book, then, placement_id=place_of(chapter))
    assert await book.shape() == await book.shape(at=then)
    assert (await book.get(f"/items/{one['id']}/links"))["outgoing"][0]["other"]["key"] == (
        outside["key"]
    )
    assert sorted(change["kind"] for change in result["changes"]) == (
        ["item"] * 3 + ["link"] + ["placement"] * 3
    )
    message = (await book.get("/commits", limit=1))["commits"][0]["message"]
    assert message == f"Restored {chapter['key']} and what stands below it from main@{then}"


async def test_later_additions_stay_and_changed_things_read_as_then(world: World) -> None:
    book = await Book.make(world)
    chapter = await book.item("chapter")
    one = await book.item("one", parent_id=place_of(chapter))
    two = await book.item("two", parent_id=place_of(chapter))
    other = await book.item("other")
    then = await head(book)
    late = await book.item("late", parent_id=place_of(one))
    await book.done(
        _edit(book, one, Title="changed", Text="<p>added</p>"),
        _edit(book, other, Title="other changed"),
        book.move(place_of(two), first=True),
    )
    await restored(book, then, placement_id=place_of(chapter))
    assert await book.shape() == [
        *("1 chapter", "1.1 one", "1.1.1 late", "1.2 two", "2 other changed"),
    ]
    assert (await book.get(f"/items/{one['key']}"))["item"]["attributes"] == one["attributes"]
    assert (await book.get(f"/items/{late['key']}"))["item"]["deleted"] is False


async def test_what_stood_above_and_is_gone_comes_back_alone(world: World) -> None:
    book = await Book.make(world)
    top = await book.item("top")
    middle = await book.item("middle", parent_id=place_of(top))
    leaf = await book.item("leaf", parent_id=place_of(middle))
    await book.item("sibling", parent_id=place_of(middle))
    then = await head(book)
    await book.done(_delete(place_of(top)))
    await restored(book, then, placement_id=place_of(leaf))
    assert await book.shape() == ["1 top", "1.1 middle", "1.1.1 leaf"]


async def test_a_whole_document_comes_back_from_a_day_on_which_it_was_there(world: World) -> None:
    book = await Book.make(world)
    chapter = await book.item("chapter")
    await book.item("below", parent_id=place_of(chapter))
    then = await head(book)
    named = await book.ask("POST", "/baselines", json={"name": "Release 1"})
    assert named.status_code == 201, named.text
    await book.done(_delete(place_of(chapter)))
    await book.done({"op": "delete", "kind": "document", "id": book.document})
    await restored(book, "Release 1", document_id=book.document)
    assert await book.shape() == await book.shape(at=then)
    assert (await book.get("/documents"))["documents"][0]["title"] == "System"
    message = (await book.get("/commits", limit=1))["commits"][0]["message"]
    assert message == f"Restored “System” from main@{then}"
    assert (await book.ask("POST", "/undo")).status_code == 201
    assert (await book.get("/documents"))["documents"] == []


async def test_a_part_of_a_deleted_document_brings_the_document_back(world: World) -> None:
    book = await Book.make(world)
    await book.item("first")
    kept = await book.item("kept")
    then = await head(book)
    await book.done({"op": "delete", "kind": "document", "id": book.document})
    await restored(book, then, placement_id=place_of(kept))
    assert await book.shape() == ["1 kept"]


async def test_the_schema_that_it_needs_comes_back(world: World) -> None:
    """A type with its attributes, an attribute of a type that stayed, a datatype, a value of an enumeration."""
    book = await Book.make(world)
    level = {"base": "enumeration", "name": "Level", "enum_values": [{"name": "High"}]}
    made = await book.done({"op": "create", "kind": "datatype", "fields": level})
    level_id = made["changes"][0]["id"]
    kind = {"category": "item", "name": "Hazard", "rank": "V"}
    type_id = (await book.done({"op": "create", "kind": "type", "fields": kind}))["changes"][0][
        "id"
    ]
    fields = {"datatype_id": level_id, "name": "Level", "rank": "V"}
    ids = []
    for owner in (type_id, book.type_id("Requirement")):
        made = await book.done(
            {"op": "create", "kind": "attribute", "fields": {**fields, "type_id": owner}}
        )
        ids.append(made["changes"][0]["id"])
    book.schema = await book.get("/schema")
    high = book.choice("Level", "High")
    hazard = await book.item("hazard")
    await book.done(
        {
            **{"op": "update", "kind": "item", "id": hazard["id"]},
            "fields": {"type_id": type_id, "attributes": {ids[0]: [high]}},
        }
    )
    plain = await book.item("plain")
    await book.done(_edit(book, plain, Level=[high]))
    then, schema = await head(book), await book.get("/schema")
    await book.done(_delete(place_of(hazard)), _delete(place_of(plain)))
    await book.done({"op": "delete", "kind": "type", "id": type_id})
    await book.done({"op": "delete", "kind": "attribute", "id": ids[1]})
    await book.done({"op": "delete", "kind": "datatype", "id": level_id})
    await restored(book, then, placement_id=place_of(hazard))
    now = await book.get("/schema")
    assert {kind["name"] for kind in now["types"]} == {kind["name"] for kind in schema["types"]}
    assert ids[1] not in str(now), "nothing that was restored has a value of it"
    await restored(book, then, document_id=book.document)
    now = await book.get("/schema")
    assert now["types"] == schema["types"] and now["datatypes"] == schema["datatypes"]
    emptied = {"enum_values": [{"name": "Low"}]}
    await book.done({"op": "update", "kind": "datatype", "id": level_id, "fields": emptied})
    await book.done(_edit(book, plain, Title="changed"))
    await restored(book, then, item=plain["key"])
    (values,) = [
        [value["name"] for value in datatype["enum_values"]]
        for datatype in (await book.get("/schema"))["datatypes"]
        if datatype["id"] == level_id
    ]
    assert values == ["Low", "High"]


async def test_links_come_back_only_where_both_ends_are(world: World) -> None:
    book = await Book.make(world)
    one, two, three = [await book.item(name) for name in ("one", "two", "three")]
    for target in (two, three):
        ends = {"source_id": one["id"], "target_id": target["id"]}
        assert (await book.ask("POST", "/links", json=ends)).status_code == 201
    then = await head(book)
    await book.done(_delete(place_of(one)), _delete(place_of(three)))
    await restored(book, then, placement_id=place_of(one))
    found = (await book.get(f"/items/{one['key']}/links"))["outgoing"]
    assert [link["other"]["key"] for link in found] == [two["key"]]


async def test_a_link_that_was_made_anew_is_not_doubled(world: World) -> None:
    book = await Book.make(world)
    one, two = await book.item("one"), await book.item("two")
    ends = {"source_id": one["id"], "target_id": two["id"]}
    old = (await book.ask("POST", "/links", json=ends)).json()["changes"][0]["id"]
    then = await head(book)
    assert (await book.ask("DELETE", f"/links/{old}")).status_code == 200
    assert (await book.ask("POST", "/links", json=ends)).status_code == 201
    await book.done(_edit(book, one, Title="changed"))
    await restored(book, then, document_id=book.document)
    assert len((await book.get(f"/items/{one['key']}/links"))["outgoing"]) == 1


async def test_what_moved_to_another_document_returns_with_what_was_added_below(
    world: World,
) -> None:
    book = await Book.make(world)
    chapter = await book.item("chapter")
    below = await book.item("below", parent_id=place_of(chapter))
    then = await head(book)
    made = await book.ask("POST", "/documents", json={"title": "Other"})
    other = made.json()["id"]
    moved = {"document_id": other, "parent_id": None}
    await book.done(
        {"op": "move", "kind": "placement", "id": place_of(chapter), "position": moved},
        {
            **{"op": "move", "kind": "placement", "id": place_of(below)},
            "position": {"document_id": other, "parent_id": place_of(chapter)},
        },
    )
    await book.item("late", document_id=other, parent_id=place_of(below))
    await restored(book, then, placement_id=place_of(chapter))
    assert await book.shape() == ["1 chapter", "1.1 below", "1.1.1 late"]
    assert (await book.get(f"/documents/{other}/outline"))["rows"] == []


async def test_a_chapter_that_went_below_its_own_part_forms_no_cycle(world: World) -> None:
    book = await Book.make(world)
    top = await book.item("top")
    part = await book.item("part", parent_id=place_of(top))
    leaf = await book.item("leaf", parent_id=place_of(part))
    then = await head(book)
    await book.done(book.move(place_of(leaf)))
    await book.done(book.move(place_of(top), parent_id=place_of(leaf)))
    assert await book.shape() == ["1 leaf", "1.1 top", "1.1.1 part"]
    await restored(book, then, placement_id=place_of(part))
    assert await book.shape() == ["1 part", "1.1 leaf", "1.1.1 top"]


async def test_what_others_changed_meanwhile_is_merged_or_a_conflict(world: World) -> None:
    book = await Book.make(world)
    chapter = await book.item("one two three four five")
    then = await head(book)
    await book.done(_edit(book, chapter, Title="one two three four five six"))
    seen = await head(book)
    await book.done(_edit(book, chapter, Title="zero one two three four five six"))
    scope: Json = {"placement_id": place_of(chapter), "base": seen}
    seen_ahead = (await preview(book, then, **scope)).json()
    assert seen_ahead["merged"] is True and seen_ahead["ref"]["seq"] == seen + 1
    await restored(book, then, **scope)
    title = (await book.get(f"/items/{chapter['key']}"))["item"]["title"]
    assert title == "zero one two three four five"
    await book.done(_edit(book, chapter, Title="something else"))
    before = await head(book)
    for send in (preview, restore):
        answer = await send(book, then, **scope)
        assert (answer.status_code, answer.json()["code"]) == (409, "edit_conflict"), answer.text
        assert answer.json()["conflicts"][0]["theirs"] == "something else"
    assert await head(book) == before


@pytest.mark.parametrize(
    ("at", "body", "status", "code"),
    [
        ("nowhere", {}, 404, "ref_not_found"),
        ("999999", {}, 404, "ref_not_found"),
        ("1999-12-31", {}, 404, "ref_before_project"),
        ("main@yesterday", {}, 422, "ref_invalid"),
        ("1", {}, 404, "not_in_version"),
        ("main", {}, 409, "nothing_to_restore"),
        ("main", {"base": 999}, 422, "base_invalid"),
        (
            "main",
            {"document_id": "00000000-0000-7000-8000-000000000000"},
            404,
            "not_in_version",
        ),
        (
            "main",
            {"document_id": None, "placement_id": "00000000-0000-7000-8000-000000000000"},
            404,
            "not_in_version",
        ),
        ("1", {"document_id": None, "item": "own"}, 404, "not_in_version"),
        ("main", {"document_id": None, "item": "NOPE-1"}, 404, "item_not_found"),
        ("main", {"document_id": None}, 422, "write_invalid"),
        ("main", {"item": "own"}, 422, "write_invalid"),
        ("main", {"unknown": 1}, 422, "validation_failed"),
    ],
)
async def test_refusals_write_nothing(
    world: World, at: str, body: Json, status: int, code: str
) -> None:
    book = await Book.make(world)
    item = await book.item("one")
    before = await head(book)
    scope = {"document_id": book.document, **body}
    if scope.get("item") == "own":
        scope["item"] = item["key"]
    for send in (preview, restore):
        answer = await send(book, at, **scope)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert answer.json()["detail"].endswith(".") or status == 422
    assert await head(book) == before
