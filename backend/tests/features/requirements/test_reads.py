"""Hot reads: what they cost, counted in statements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from tests.features.requirements.book import Book
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


@contextmanager
def statements(world: World) -> Iterator[list[str]]:
    """Collect the SQL that the application sends."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    engine = world.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("items", [2, 12])
async def test_reads_cost_the_same_however_many_items(world: World, items: int) -> None:
    book = await Book.make(world)
    for number in range(items):
        await book.item(f"item {number}")
    document = f"/documents/{book.document}"
    for path, cold, warm in (
        (f"{document}/outline", 12, 9),
        (f"{document}/rows", 10, 10),
        (f"{document}/rows?offset=1&limit=1", 10, 10),
        ("/documents", 7, 7),
        ("/items?state=unplaced", 9, 9),
        (f"/find?document={book.document}&q=item", 8, 8),
    ):
        for most in (cold, warm):
            with statements(world) as seen:
                assert (await book.ask("GET", path)).status_code == 200
            assert len(seen) <= most, (path, seen)


async def test_an_unchanged_document_costs_three_statements(world: World) -> None:
    book = await Book.make(world)
    path = f"/documents/{book.document}/outline"
    etag = (await book.ask("GET", path)).headers["etag"]
    with statements(world) as seen:
        assert (await book.ask("GET", path, headers={"If-None-Match": etag})).status_code == 304
    assert len(seen) <= 3


async def test_a_window_is_a_part_of_the_whole(world: World) -> None:
    book = await Book.make(world)
    for number in range(9):
        await book.place(f"item {number}", first=number % 2 == 0)
    path = f"/documents/{book.document}/rows"
    whole = await book.get(path)
    windows = [(await book.get(path, offset=offset, limit=2))["rows"] for offset in (0, 2, 4, 6, 8)]
    assert [row for window in windows for row in window] == whole["rows"]
    assert whole["total"] == 9
    assert (await book.get(path, offset=100))["rows"] == []
    assert (await book.ask("GET", path, params={"limit": 5001})).status_code == 422


async def test_find_counts_words_of_the_visible_text_in_reading_order(world: World) -> None:
    book = await Book.make(world)
    one, two = await book.item("Brake brake"), await book.item("Other")
    body = {"attributes": book.values(Text="<p class='brake'>a b<b>ra</b>ke &amp; more</p>")}
    await book.ask("PATCH", f"/items/{two['key']}", json=body)
    found = (await book.get("/find", document=book.document, q="BRAKE"))["matches"]
    assert [(match["row_index"], match["count"]) for match in found] == [(0, 2), (1, 1)]
    assert [match["item_id"] for match in found] == [one["id"], two["id"]]
    assert (await book.get("/find", document=book.document, q="%"))["matches"] == []
    assert len((await book.get("/find", document=book.document, q="& more"))["matches"]) == 1


async def test_unknown_documents_are_404(world: World) -> None:
    book = await Book.make(world)
    other = await Book.make(world)
    for tail in ("outline", "rows"):
        answer = await book.ask("GET", f"/documents/{other.document}/{tail}")
        assert (answer.status_code, answer.json()["code"]) == (404, "document_not_found")
