"""Which commits touched a document, by HTTP: what stood in it then, whatever the rest of the project did."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.features.requirements.book import Book, Json
from tests.fixtures.api import World
from tests.fixtures.statements import sent_by_requests

pytestmark = pytest.mark.anyio

Touched = list[tuple[int, int, int, bool]]


async def _history(book: Book, document: str | None = None, **params: Any) -> Touched:
    """Return (sequence, items, places, document) of the commits, newest first."""
    found = await book.get(f"/documents/{document or book.document}/history", **params)
    return [
        (entry["commit"]["seq"], entry["items"], entry["places"], entry["document"])
        for entry in found["entries"]
    ]


async def _head(book: Book, at: str = "main") -> int:
    return int((await book.get("/refs/resolve", ref=at))["seq"])


async def _document(book: Book, title: str) -> str:
    made = await book.ask("POST", "/documents", json={"title": title})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def _write(book: Book, item: Json, title: str, branch: str = "main") -> int:
    answer = await book.ask(
        "PATCH",
        f"/items/{item['key']}",
        params={"branch": branch},
        json={"attributes": book.values(Title=title)},
    )
    assert answer.status_code == 200, answer.text
    return int(answer.json()["ref"]["seq"])


async def _operate(book: Book, *operations: Json, branch: str = "main") -> int:
    answer = await book.ask(
        "POST", "/commits", params={"branch": branch}, json={"operations": list(operations)}
    )
    assert answer.status_code == 201, answer.text
    return int(answer.json()["ref"]["seq"])


def _placement(item: Json) -> str:
    return str(item["placements"][0]["placement_id"])


async def test_its_items_their_places_and_itself_are_told_apart(world: World) -> None:
    book = await Book.make(world)
    made = await _head(book)
    item = await book.item("stops")
    placed = await _head(book)
    written = await _write(book, item, "stops fast")
    other = await book.item("steers")
    other_placed = await _head(book)
    moved = await _operate(book, book.move(_placement(other), first=True))
    answer = await book.ask("PATCH", f"/documents/{book.document}", json={"title": "Vehicle"})
    assert answer.status_code == 200
    renamed = await _head(book)
    assert await _history(book) == [
        (renamed, 0, 0, True),
        (moved, 0, 1, False),
        (other_placed, 1, 1, False),
        (written, 1, 0, False),
        (placed, 1, 1, False),
        (made, 0, 0, True),
    ]
    entry = (await book.get(f"/documents/{book.document}/history"))["entries"][0]
    assert entry["commit"] == (await book.get(f"/commits/{renamed}"))


async def test_an_item_counts_only_while_it_stands_in_the_document(world: World) -> None:
    book = await Book.make(world)
    second = await _document(book, "Second")
    made = await _head(book)
    item = await book.item("moves about", document_id=second)
    placed = await _head(book)
    before = await _write(book, item, "in the second")
    moved = await _operate(book, book.move(_placement(item)))
    after = await _write(book, item, "in the first")
    deleted = await _operate(
        book, {"op": "delete", "kind": "placement", "id": _placement(item), "items": True}
    )
    assert [row[0] for row in await _history(book)][:3] == [deleted, after, moved]
    assert before not in [row[0] for row in await _history(book)]
    assert [row[0] for row in await _history(book, second)] == [moved, before, placed, made]
    assert (await _history(book))[0] == (deleted, 1, 1, False)


async def test_it_comes_in_pages_and_ends_at_the_version_that_is_looked_at(world: World) -> None:
    book = await Book.make(world)
    item = await book.item("counts")
    written = [await _write(book, item, f"counts {number}") for number in range(5)]
    whole = await _history(book)
    assert [row[0] for row in whole][:5] == written[::-1]
    path = f"/documents/{book.document}/history"
    pages: list[list[int]] = []
    before: list[int | None] = []
    following = None
    while not pages or following:
        page = await book.get(path, limit=3, **({"before": following} if following else {}))
        pages.append([entry["commit"]["seq"] for entry in page["entries"]])
        before.extend(entry["previous"] for entry in page["entries"])
        following = page["next"]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert sum(pages, []) == [row[0] for row in whole]
    assert before == [*(row[0] for row in whole[1:]), None]
    assert await _history(book, at=str(written[2])) == whole[2:]
    assert (await book.get(path, limit=7))["next"] is None


async def test_a_branch_has_what_came_from_below_and_its_own(world: World) -> None:
    book = await Book.make(world)
    second = await _document(book, "Second")
    staying, leaving = await book.item("stays"), await book.item("leaves")
    below = await _history(book)
    assert (await book.ask("POST", "/branches", json={"name": "winter"})).status_code == 201
    on_main = await _write(book, staying, "stays on main")
    written = await _write(book, staying, "stays in winter", "winter")
    left = await _operate(
        book,
        book.move(_placement(leaving), document_id=second),
        branch="winter",
    )
    outside = await _write(book, leaving, "has left", "winter")
    removed = await _operate(
        book, {"op": "delete", "kind": "placement", "id": _placement(staying)}, branch="winter"
    )
    expected = [(removed, 0, 1, False), (left, 0, 1, False), (written, 1, 0, False)]
    assert await _history(book, at="winter") == [*expected, *below]
    assert [row[0] for row in await _history(book, second, at="winter")][:2] == [outside, left]
    assert await _history(book) == [(on_main, 1, 0, False), *below]


async def test_what_is_not_there_is_said_and_what_is_known_costs_nothing(world: World) -> None:
    book = await Book.make(world)
    await book.item("stops")
    path = f"/projects/{book.key}/documents/{book.document}/history"
    first = await book.client.get(path)
    with sent_by_requests(world.database.engine) as seen:
        again = await book.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert not any("placements" in statement for statement in seen)
    later = await _document(book, "Later")
    known = await book.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert known.status_code == 200
    missing = await book.ask("GET", f"/documents/{later}/history", params={"at": "2"})
    assert (missing.status_code, missing.json()["code"]) == (404, "document_not_found")
    assert (await book.client.get(path, params={"before": 0})).status_code == 422


class _Chance:
    """Random writes into two documents, and what they come to, read version by version."""

    def __init__(self, book: Book, documents: list[str], random: Random) -> None:
        self.book, self.documents, self.random = book, documents, random
        self.items: list[Json] = []
        self.gone: set[str] = set()
        self.moves: set[int] = set()

    async def step(self) -> None:
        """Write something."""
        standing = [item for item in self.items if item["key"] not in self.gone]
        document = self.random.choice(self.documents)
        what = self.random.choice(("place", "write", "write", "move", "delete", "title"))
        if what == "title":
            title = {"title": f"Title {self.random.random()}"}
            await self.book.ask("PATCH", f"/documents/{document}", json=title)
        elif what == "place" or not standing:
            self.items.append(await self.book.item("made", document_id=document))
        elif what == "write":
            item = self.random.choice(self.items)
            if item in standing:
                await _write(self.book, item, f"title {self.random.random()}")
        elif what == "move":
            placement = _placement(self.random.choice(standing))
            first = self.random.random() < 0.5
            move = self.book.move(placement, document_id=document, first=first)
            self.moves.add(await _operate(self.book, move))
        else:
            item = self.random.choice(standing)
            self.gone.add(item["key"])
            items = self.random.random() < 0.5
            operation = {"op": "delete", "kind": "placement", "id": _placement(item)}
            await _operate(self.book, {**operation, "items": items})

    async def seen(self, document: str, seq: int) -> Json | None:
        """Return all of a document as of a version; None if it was not there."""
        answer = await self.book.ask(
            "GET", f"/documents/{document}/rows", params={"at": str(seq), "limit": 500}
        )
        if answer.status_code == 404:
            return None
        read = await self.book.get(f"/documents/{document}", at=str(seq))
        rows = [
            (row["placement_id"], row["number"], row["item"]["attributes"], row["item"]["deleted"])
            for row in answer.json()["rows"]
        ]
        return {"title": read["title"], "rows": rows}


@pytest.mark.parametrize("seed", range(3))
async def test_it_names_the_commits_after_which_the_document_reads_otherwise(
    world: World, seed: int
) -> None:
    book = await Book.make(world)
    chance = _Chance(book, [book.document, await _document(book, "Second")], Random(seed))
    for _ in range(25):
        await chance.step()
    head = await _head(book)
    for document in chance.documents:
        states = [await chance.seen(document, seq) for seq in range(1, head + 1)]
        differing = {
            seq
            for seq, (before, after) in enumerate(zip(states, states[1:], strict=False), start=2)
            if before != after
        }
        found = [row[0] for row in await _history(book, document)]
        assert found == sorted(set(found), reverse=True)
        assert differing <= set(found)
        # Moving a row to where it stands already gives it another rank, which nobody sees.
        assert set(found) - differing <= chance.moves
