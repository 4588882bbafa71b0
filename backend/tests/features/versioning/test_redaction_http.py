"""Redaction by HTTP: who may, what every read says afterwards, and that no cache and no file goes on to hold it."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from tests.features.requirements.book import Book, Json
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


async def _leaked(world: World) -> tuple[Book, Json, int]:
    """Return a book, an item whose first version held a secret, and that version."""
    book = await Book.make(world)
    item = await book.item("Password hunter2")
    leaked = await _head(book)
    await _rename(book, item, "Password removed")
    return book, item, leaked


async def _head(book: Book) -> int:
    return int((await book.get("/refs/resolve"))["seq"])


async def _rename(book: Book, item: Json, title: str, **more: Any) -> None:
    fields = {"attributes": book.values(Title=title, **more)}
    await book.done({"op": "update", "kind": "item", "id": item["id"], "fields": fields})


async def _redact(book: Book, item: Json, **body: Any) -> Any:
    body = {"entity_id": item["id"], "reason": "A leaked password", **body}
    return await book.ask("POST", "/redactions", json=body)


async def test_only_owners_redact(world: World) -> None:
    """Editors may not, and a reason must be given."""
    book, item, leaked = await _leaked(world)
    editor = await world.member(book.key, "editor")
    body = {"entity_id": item["id"], "reason": "Because", "sequences": [leaked]}
    refused = await editor.post(f"/projects/{book.key}/redactions", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await _redact(book, item, reason="")).status_code == 422
    shown = await _redact(book, item, sequences=[leaked + 1])
    assert (shown.status_code, shown.json()["code"]) == (409, "revision_shown")
    assert shown.json()["branches"] == ["main"]
    unknown = await _redact(book, item, sequences=[1])
    assert (unknown.status_code, unknown.json()["code"]) == (404, "revision_not_found")
    assert await _head(book) == leaked + 1


async def test_no_read_and_no_cache_holds_it_any_more(world: World) -> None:
    """What was read before, and kept, is not answered again; a client that has it is not told that it is the same."""
    book, item, leaked = await _leaked(world)
    paths = [
        f"/items/{item['key']}",
        f"/documents/{book.document}/rows",
        f"/documents/{book.document}/outline",
        f"/history/{item['id']}",
        f"/items/{item['key']}/history",
    ]
    known = {path: await book.ask("GET", path, params={"at": leaked}) for path in paths}
    compare = {"from": leaked, "to": "main"}
    known["/compare"] = await book.ask("GET", "/compare", params=compare)
    assert all("hunter2" in answer.text for answer in known.values())
    made = await _redact(book, item, sequences=[leaked])
    assert made.status_code == 201, made.text
    (redacted,) = made.json()["redacted"]
    assert (redacted["seq"], redacted["redacted_by"]) == (leaked, leaked + 2)
    for path, before in known.items():
        params = compare if path == "/compare" else {"at": leaked}
        headers = {"If-None-Match": before.headers.get("etag", "")}
        now = await book.ask("GET", path, params=params, headers=headers)
        assert now.status_code == 200 and "hunter2" not in now.text, path
    await book.item(
        "Another"
    )  # an outline that is brought up to date starts from none that is older than that
    assert "hunter2" not in (await book.ask("GET", paths[2], params={"at": leaked + 1})).text


async def test_reads_say_who_redacted_when_and_why(world: World) -> None:
    """Items, rows, timelines, comparisons and blame."""
    book, item, leaked = await _leaked(world)
    assert (await _redact(book, item)).status_code == 201
    read = (await book.get(f"/items/{item['key']}", at=leaked))["item"]
    redaction = read["redaction"]
    assert (redaction["seq"], redaction["reason"]) == (leaked + 2, "A leaked password")
    assert redaction["author"]["display_name"] and redaction["recorded_at"]
    assert (read["attributes"], read["title"]) == ({}, item["key"])
    (row,) = (await book.get(f"/documents/{book.document}/rows", at=leaked))["rows"]
    assert row["item"]["redaction"] == redaction
    newest, oldest = (await book.get(f"/items/{item['key']}/history"))["entries"]
    assert (newest["redacted_before"], newest["redacted_after"]) == (redaction, None)
    assert (oldest["redacted_before"], oldest["redacted_after"]) == (None, redaction)
    assert newest["changes"] == oldest["changes"] == []
    entries = (await book.get(f"/history/{item['id']}"))["entries"]
    assert [entry["redacted_after"] for entry in entries] == [None, redaction]
    compared = await book.get("/compare", **{"from": leaked, "to": "main"})
    (change,) = [one for one in compared["changes"] if one["kind"] == "item"]
    assert (change["change"], change["fields"]) == ("changed", [])
    assert (change["redacted_before"], change["redacted_after"]) == (redaction, None)
    spans = (await book.get(f"/items/{item['key']}/blame", attribute="Title"))["spans"]
    assert [span["after_redaction"] for span in spans] == [True]
    assert (await book.get(f"/items/{item['key']}"))["item"]["redaction"] is None
    report = (await book.ask("POST", "/verify")).json()
    assert report["ok"] and [one["seq"] for one in report["redacted"]] == [leaked]


async def test_a_picture_goes_with_the_text_that_alone_showed_it(world: World) -> None:
    """Its bytes are dropped and no export holds them; one that another text shows stays."""
    book = await Book.make(world)
    files = [await _picture(book, number) for number in (1, 2)]
    tags = [f'<img data-path="{file["path"]}" src="{file["url"]}" alt="">' for file in files]
    item = await book.item("Pictures")
    await _rename(book, item, "Pictures", Text=f"<p>{tags[0]}{tags[1]}</p>")
    leaked = await _head(book)
    await _rename(book, item, "Pictures", Text=f"<p>{tags[1]}</p>")
    addresses = [file["url"].removeprefix("/api/v1") for file in files]
    assert [(await book.client.get(one)).status_code for one in addresses] == [200, 200]
    made = await _redact(book, item)
    assert made.status_code == 201, made.text
    kinds = [one["kind"] for one in made.json()["redacted"]]
    assert kinds == ["item", "item", "file"]
    assert [(await book.client.get(one)).status_code for one in addresses] == [404, 200]
    assert (await book.ask("POST", "/verify")).json()["problems"] == []
    for at in ("main", str(leaked)):
        answer = await book.ask("GET", "/exports/reqif", params={"at": at})
        assert answer.status_code == 200, answer.text
        names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
        held = [any(name.endswith(f"{n}.png") for name in names) for n in (1, 2)]
        assert held == [False, True], names


async def _picture(book: Book, number: int) -> Json:
    upload = {"file": (f"{number}.png", b"\x89PNG\r\n\x1a\n" + bytes([number] * 32), "image/png")}
    made = await book.ask("POST", "/files", files=upload)
    assert made.status_code == 201, made.text
    return dict(made.json())
