"""How many statements a request costs: counted, so that it holds on any machine however busy."""

from __future__ import annotations

import pytest

from tests.features.requirements.book import Book, Json
from tests.fixtures.api import World
from tests.fixtures.statements import sent_by_requests

pytestmark = pytest.mark.anyio


async def _book(world: World) -> tuple[Book, Json]:
    """Return a book of five requirements and the first of them."""
    book = await Book.make(world)
    items = [await book.item(f"Requirement {number}") for number in range(5)]
    return book, items[0]


def _edit(book: Book, item: Json, title: str) -> Json:
    attributes = book.values(Title=title)
    return {"op": "update", "kind": "item", "id": item["id"], "fields": {"attributes": attributes}}


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/items/{key}", 2),
        ("/documents/{document}/outline", 2),
        ("/documents/{document}/rows", 2),
        ("/documents", 2),
        ("/schema", 1),
        ("/undo", 3),
    ],
)
async def test_reads_of_what_did_not_change(world: World, path: str, most: int) -> None:
    """The second read of a version asks who may read, and for the content, each once."""
    book, item = await _book(world)
    address = path.format(key=item["key"], document=book.document)
    first = await book.ask("GET", address)
    assert first.status_code == 200
    with sent_by_requests(world.database.engine) as sent:
        second = await book.ask("GET", address)
    assert second.content == first.content
    assert len(sent) <= most, sent


async def test_an_unchanged_answer_costs_one_statement(world: World) -> None:
    """304 costs the proof that the reader may read, and nothing else."""
    book, _ = await _book(world)
    address = f"/documents/{book.document}/rows"
    first = await book.ask("GET", address)
    with sent_by_requests(world.database.engine) as sent:
        second = await book.ask("GET", address, headers={"If-None-Match": first.headers["ETag"]})
    assert second.status_code == 304
    assert len(sent) == 1, sent


async def test_a_save(world: World) -> None:
    """One edit with its answer: who, lock, head, state, supersede, insert, commit and head, fresh item."""
    book, item = await _book(world)
    await book.done(_edit(book, item, "Once"))
    with sent_by_requests(world.database.engine) as sent:
        await book.done(_edit(book, item, "Twice"))
    assert len(sent) <= 9, sent


async def test_a_read_after_an_edit_reads_only_what_changed(world: World) -> None:
    """After one edit the outline is brought up to date, not built anew."""
    book, item = await _book(world)
    address = f"/documents/{book.document}/outline"
    await book.ask("GET", address)
    await book.done(_edit(book, item, "Changed"))
    with sent_by_requests(world.database.engine) as sent:
        after = await book.ask("GET", address)
    assert "Changed" in after.text
    assert len(sent) <= 4, sent
    assert not [statement for statement in sent if "parent_id" in statement], sent
