"""The version engine by HTTP: log, history, comparison, revert, undo, redo, refs, and what each refuses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.features.requirements.book import Book, Json
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


async def _edited(world: World) -> tuple[Book, Json]:
    """Return a book with one item whose title became "two", then "three"."""
    book = await Book.make(world)
    item = await book.item("one")
    for title in ("two", "three"):
        await book.done(_edit(book, item, title))
    return book, item


def _edit(book: Book, item: Json, title: str) -> Json:
    fields = {"attributes": book.values(Title=title)}
    return {"op": "update", "kind": "item", "id": item["id"], "fields": fields}


async def _title(book: Book, item: Json, **params: Any) -> str:
    return str((await book.get(f"/items/{item['key']}", **params))["item"]["title"])


async def _head(book: Book) -> int:
    return int((await book.get("/refs/resolve"))["seq"])


async def test_edit_then_the_sequence_before_gives_the_old_bytes(world: World) -> None:
    """Edit, then ``?at=`` the sequence before: the bytes are those of then, but for the word that it is the head."""
    book = await Book.make(world)
    item = await book.item("one")
    await book.item("untouched")
    before = await _head(book)
    paths = [
        f"/items/{item['key']}",
        f"/items/{item['key']}/links",
        f"/documents/{book.document}/outline",
        f"/documents/{book.document}/rows",
        f"/history/{item['id']}",
        "/documents",
        "/schema",
    ]
    old = {path: await book.ask("GET", path) for path in paths}
    await book.done(_edit(book, item, "two"))
    for path, then in old.items():
        for ref in (str(before), f"@{before}", f"main@{before}"):
            now = await book.ask("GET", path, params={"at": ref})
            assert now.content == then.content.replace(b'"head":true', b'"head":false'), path
    assert await _title(book, item) == "two"


async def test_log_is_paged_newest_first(world: World) -> None:
    book, item = await _edited(world)
    head = await _head(book)
    seen: list[int] = []
    before: int | None = None
    while True:
        page = await book.get("/commits", limit=2, **({"before": before} if before else {}))
        seen.extend(commit["seq"] for commit in page["commits"])
        before = page["next"]
        if before is None:
            break
    assert seen == list(range(head, 0, -1))
    newest = (await book.get("/commits", limit=1))["commits"][0]
    assert newest == await book.get(f"/commits/{head}")
    assert newest["author"]["display_name"] == book.client.user.display_name
    about = await book.get("/commits", entity=item["id"])
    assert [commit["seq"] for commit in about["commits"]] == [head, head - 1, head - 2]


async def test_log_of_mine_holds_what_i_did(world: World) -> None:
    book, item = await _edited(world)
    other = await world.member(book.key, "editor")
    path = f"/projects/{book.key}/commits"
    assert (await other.get(path, params={"author": "me"})).json() == {"commits": [], "next": None}
    await other.post(path, json={"operations": [_edit(book, item, "four")]})
    mine = (await other.get(path, params={"author": "me"})).json()["commits"]
    assert [commit["author"]["id"] for commit in mine] == [str(other.user.user_id)]


async def test_history_tells_each_version(world: World) -> None:
    book, item = await _edited(world)
    found = await book.get(f"/history/{item['id']}")
    assert (found["key"], found["id"]) == (item["key"], item["id"])
    title = book.attribute("Title")
    told = [
        [(field["before"], field["after"]) for field in entry["fields"] if field["key"] == title]
        for entry in found["entries"]
    ]
    assert told == [[("two", "three")], [("one", "two")], [(None, "one")]]
    assert [entry["change"] for entry in found["entries"]] == ["changed", "changed", "added"]
    older = await book.get(f"/history/{item['id']}", at=await _head(book) - 1)
    assert older["entries"] == found["entries"][1:]


async def test_comparison_names_what_differs_either_way(world: World) -> None:
    book, item = await _edited(world)
    head = await _head(book)
    title = book.attribute("Title")
    for a, b, values in ((head - 1, head, ("two", "three")), (head, head - 2, ("three", "one"))):
        found = await book.get("/compare", **{"from": a, "to": b})
        assert (found["from_ref"]["seq"], found["to_ref"]["seq"]) == (a, b)
        (change,) = found["changes"]
        assert (change["kind"], change["key"], change["change"]) == ("item", item["key"], "changed")
        (field,) = change["fields"]
        assert (field["field"], field["key"]) == ("attributes", title)
        assert (field["before"], field["after"]) == values
    assert (await book.get("/compare", **{"from": head}))["changes"] == []
    only = await book.get("/compare", **{"from": 1, "kind": "document"})
    assert {change["kind"] for change in only["changes"]} == {"document"}


async def test_undo_redo_and_revert(world: World) -> None:
    book, item = await _edited(world)
    head = await _head(book)
    state = await book.get("/undo")
    assert (state["undo"]["seq"], state["redo"]) == (head, None)
    undone = await book.ask("POST", "/undo")
    assert (undone.status_code, undone.json()["ref"]["seq"]) == (201, head + 1)
    assert await _title(book, item) == "two"
    state = await book.get("/undo")
    assert (state["undo"]["seq"], state["redo"]["seq"]) == (head - 1, head + 1)
    assert (await book.ask("POST", "/redo")).status_code == 201
    assert await _title(book, item) == "three"
    refused = await book.ask("POST", "/redo")
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_undo")
    in_conflict = await book.ask("POST", f"/commits/{head - 1}/revert")
    assert (in_conflict.status_code, in_conflict.json()["code"]) == (409, "edit_conflict")
    (conflict,) = in_conflict.json()["conflicts"]
    assert (conflict["base"], conflict["ours"], conflict["theirs"]) == ("two", "one", "three")
    reverted = await book.ask("POST", f"/commits/{head}/revert")
    assert reverted.status_code == 201, reverted.text
    assert await _title(book, item) == "two"


@pytest.mark.parametrize(
    ("ref", "status", "code"),
    [
        ("nowhere", 404, "ref_not_found"),
        ("nowhere@1", 404, "ref_not_found"),
        ("main@999999", 404, "ref_not_found"),
        ("999999999999999999", 404, "ref_not_found"),
        ("0", 404, "ref_not_found"),
        ("99999999999999999999999", 404, "ref_not_found"),
        ("1999-12-31", 404, "ref_before_project"),
        ("main@1999-12-31T23:59:59Z", 404, "ref_before_project"),
        ("main@", 422, "ref_invalid"),
        ("main@yesterday", 422, "ref_invalid"),
        ("2026-02-30", 422, "ref_invalid"),
        ("main@main@1", 422, "ref_invalid"),
        ("main@-1", 422, "ref_invalid"),
        ("é" * 200, 404, "ref_not_found"),
    ],
)
async def test_a_bad_ref_is_told_everywhere(world: World, ref: str, status: int, code: str) -> None:
    """Unknown branches, sequences to come, times before the project and what cannot be read: each has its answer."""
    book = await Book.make(world)
    item = await book.item()
    for path, name in (
        ("/refs/resolve", "ref"),
        ("/documents", "at"),
        (f"/items/{item['key']}", "at"),
        (f"/history/{item['id']}", "at"),
        ("/compare", "from"),
    ):
        answer = await book.ask("GET", path, params={name: ref})
        assert (answer.status_code, answer.json()["code"]) == (status, code), (path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_date_to_come_is_the_head(world: World) -> None:
    book, _ = await _edited(world)
    head = await book.get("/refs/resolve")
    assert head["head"] is True
    assert await book.get("/refs/resolve", ref="2999-01-01") == head
    assert await book.get("/refs/resolve", ref=head["recorded_at"]) == head


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/commits/999", 404),
        ("GET", "/commits/0", 422),
        ("GET", "/commits/99999999999999999999", 422),
        ("GET", "/commits?before=99999999999999999999", 422),
        ("GET", "/commits?entity=00000000-0000-7000-8000-000000000000", 404),
        ("GET", "/history/00000000-0000-7000-8000-000000000000", 404),
        ("GET", "/compare?from=1&kind=nonsense", 422),
        ("POST", "/commits/1/revert", 404),
        ("POST", "/commits/999/revert", 404),
        ("POST", "/commits/99999999999999999999/revert", 422),
        ("POST", "/undo", 409),
    ],
)
async def test_what_is_not_there_is_told(world: World, method: str, path: str, status: int) -> None:
    book = await Book.make(world)
    client = await world.member(book.key, "editor")
    answer = await client.request(method, f"/projects/{book.key}{path}")
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] and answer.json()["detail"]


async def test_an_unchanged_answer_is_a_304(world: World) -> None:
    """Each answer carries an ETag, holds while nothing changes, and is new after a commit that concerns it."""
    book, item = await _edited(world)
    head = await _head(book)
    living = ["/commits", "/commits?author=me", f"/history/{item['id']}", "/compare?from=1"]
    fixed = [f"/commits/{head}", f"/compare?from=1&to={head - 1}", f"/history/{item['id']}?at=2"]
    tags = {}
    for path in (*living, *fixed):
        tags[path] = (await book.ask("GET", path)).headers["etag"]
        again = await book.ask("GET", path, headers={"If-None-Match": tags[path]})
        assert (again.status_code, again.content) == (304, b""), path
    other = await world.member(book.key, "viewer")
    theirs = await other.get(
        f"/projects/{book.key}/commits?author=me",
        headers={"If-None-Match": tags["/commits?author=me"]},
    )
    assert theirs.status_code == 200
    await book.done(_edit(book, item, "four"))
    for path, tag in tags.items():
        later = await book.ask("GET", path, headers={"If-None-Match": tag})
        assert later.status_code == (200 if path in living else 304), path


async def test_verify_by_http(world: World) -> None:
    book, _ = await _edited(world)
    report = (await book.ask("POST", "/verify")).json()
    assert (report["ok"], report["problems"]) == (True, [])
    assert report["counts"]["commits"] == await _head(book)
    assert report["counts"]["item"] == 3


@pytest.mark.parametrize("where", ["value", "message", "title"])
async def test_nul_is_refused_with_a_clear_error(world: World, where: str) -> None:
    """PostgreSQL cannot store it, so nothing may reach it: 422, and no version is made."""
    book, item = await _edited(world)
    head = await _head(book)
    body: Json = {"operations": [_edit(book, item, "a\x00b" if where == "value" else "fine")]}
    if where == "message":
        body["message"] = "a\x00b"
    path = "/commits" if where != "title" else "/documents"
    answer = await book.ask("POST", path, json=body if where != "title" else {"title": "a\x00b"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unstorable_text")
    assert "NUL" in answer.json()["detail"]
    assert await _head(book) == head
