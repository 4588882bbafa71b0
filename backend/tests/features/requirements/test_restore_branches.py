"""Restores from branches and to branches."""

from __future__ import annotations

import pytest

from tests.features.requirements.book import Book, Json
from tests.features.requirements.restores import head, place_of, restored
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


def _edit(book: Book, item: Json, title: str) -> Json:
    fields = {"attributes": book.values(Title=title)}
    return {"op": "update", "kind": "item", "id": item["id"], "fields": fields}


async def test_from_a_branch_to_where_it_never_was(world: World) -> None:
    """What was made on a branch alone comes to main without a merge, with its keys."""
    book = await Book.make(world)
    made = await book.ask("POST", "/branches", json={"name": "winter"})
    assert made.status_code == 201, made.text
    body = {
        "type_id": book.type_id("Requirement"),
        "attributes": book.values(Title="snow"),
        "position": {"document_id": book.document},
    }
    answer = await book.ask("POST", "/items", params={"branch": "winter"}, json=body)
    snow = answer.json()["item"]
    await book.item("sun")
    result = await restored(book, "winter", placement_id=place_of(snow))
    assert result["ref"]["branch"] == "main"
    assert sorted(await book.shape()) == ["1 snow", "2 sun"]
    assert (await book.get(f"/items/{snow['key']}"))["item"]["title"] == "snow"
    await restored(book, "main", document_id=book.document, branch="winter")
    assert await book.shape(at="winter") == await book.shape()


async def test_a_picture_comes_along_from_the_branch_that_had_it(world: World) -> None:
    book = await Book.make(world)
    assert (await book.ask("POST", "/branches", json={"name": "winter"})).status_code == 201
    on_winter = {"branch": "winter"}
    upload = {"file": ("snow.png", b"\x89PNG\r\n\x1a\n" + bytes(32), "image/png")}
    made = await book.ask("POST", "/files", params=on_winter, files=upload)
    assert made.status_code == 201, made.text
    markup = f'<p>See <img src="x" data-path="{made.json()["path"]}" alt="Snow"></p>'
    body = {
        "type_id": book.type_id("Requirement"),
        "attributes": book.values(Title="snow", Text=markup),
        "position": {"document_id": book.document},
    }
    item = (await book.ask("POST", "/items", params=on_winter, json=body)).json()["item"]
    assert made.json()["url"] in item["text"]
    result = await restored(book, "winter", placement_id=place_of(item))
    assert sorted(change["kind"] for change in result["changes"]) == ["file", "item", "placement"]
    assert (await book.get(f"/items/{item['key']}"))["item"]["text"] == item["text"]


async def test_the_door_for_one_item_brings_it_from_a_branch_too(world: World) -> None:
    book = await Book.make(world)
    assert (await book.ask("POST", "/branches", json={"name": "winter"})).status_code == 201
    body = {"type_id": book.type_id("Requirement"), "attributes": book.values(Title="snow")}
    item = (await book.ask("POST", "/items", params={"branch": "winter"}, json=body)).json()["item"]
    path = f"/items/{item['key']}"
    assert (await book.ask("GET", path)).status_code == 404
    assert (await book.ask("POST", f"{path}/restore", json={"at": "winter"})).status_code == 200
    assert (await book.get(path))["item"]["title"] == "snow"
    other = await book.item("a new key")
    assert other["key"] != item["key"]
    assert (await book.ask("POST", "/undo")).status_code == 201
    assert (await book.ask("POST", "/verify")).json()["problems"] == []


async def test_branches_that_take_no_writes_refuse(world: World) -> None:
    book = await Book.make(world)
    item = await book.item("one")
    then = await head(book)
    await book.done(_edit(book, item, "two"))
    made = (await book.ask("POST", "/branches", json={"name": "kept"})).json()
    patched = await book.ask("PATCH", f"/branches/{made['id']}", json={"protected": True})
    assert patched.status_code == 200, patched.text
    editor = await world.member(book.key, "editor")
    before = await head(book)
    for path in ("restore", "restore-preview"):
        answer = await editor.post(
            f"/projects/{book.key}/{path}",
            params={"branch": "kept"},
            json={"at": str(then), "document_id": book.document},
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "branch_protected")
        for branch, status, code in (("nowhere", 404, "ref_not_found"),):
            refused = await editor.post(
                f"/projects/{book.key}/{path}",
                params={"branch": branch},
                json={"at": str(then), "document_id": book.document},
            )
            assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert await head(book) == before
    await restored(book, then, document_id=book.document, branch="kept")


async def test_what_came_by_a_restore_merges_like_anything_else(world: World) -> None:
    """Both sides have the item then, and the merge compares what each made of it."""
    book = await Book.make(world)
    branch = (await book.ask("POST", "/branches", json={"name": "winter"})).json()
    body = {
        "type_id": book.type_id("Requirement"),
        "attributes": book.values(Title="snow lies"),
        "position": {"document_id": book.document},
    }
    item = (await book.ask("POST", "/items", params={"branch": "winter"}, json=body)).json()["item"]
    await restored(book, "winter", placement_id=place_of(item))
    path = f"/branches/{branch['id']}"
    for direction in ("merge", "update"):
        preview = await book.ask("POST", f"{path}/merge-preview", json={"direction": direction})
        assert (preview.status_code, preview.json()["conflicts"]) == (200, []), preview.text
        merged = await book.ask("POST", f"{path}/merge", json={"direction": direction})
        assert merged.status_code == 201, merged.text
    edit = {"operations": [_edit(book, item, "snow lies deep")]}
    assert (await book.ask("POST", "/commits", params={"branch": "winter"}, json=edit)).is_success
    assert (await book.ask("POST", f"{path}/merge", json={"direction": "merge"})).is_success
    assert (await book.get(f"/items/{item['key']}"))["item"]["title"] == "snow lies deep"
    assert (await book.ask("POST", "/verify")).json()["problems"] == []
