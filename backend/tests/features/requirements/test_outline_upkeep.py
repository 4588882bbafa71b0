"""An outline that was brought up to date, and windows of kept items, equal what is read from nothing."""

from __future__ import annotations

import random
from uuid import UUID

import pytest
from fastapi import FastAPI

from reqtrail.features.requirements.service import outline, windows
from reqtrail.platform.shared_cache import INFO_KEY, SharedCache
from tests.features.requirements.book import Book, Json
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


def _as_another_process() -> None:
    outline.forget_kept()
    windows.forget_kept()


class _Editor:
    """Does random things to two documents of a book."""

    def __init__(self, book: Book, other: str, seed: int) -> None:
        self._book, self._documents = book, (book.document, other)
        self._chance = random.Random(seed)

    async def _placements(self, document: str) -> list[Json]:
        return list((await self._book.get(f"/documents/{document}/rows"))["rows"])

    async def act(self) -> str:
        """Do one thing; return what."""
        document = self._chance.choice(self._documents)
        rows = await self._placements(document)
        what = self._chance.choice(
            [
                "create",
                "create",
                "edit",
                "edit",
                "move",
                "away",
                "delete",
                "undo",
                "retype",
                "style",
            ]
        )
        if what == "create" or not rows:
            below = self._chance.choice([None, *(row["placement_id"] for row in rows)])
            title = f"Item {self._chance.randrange(1000)}"
            await self._book.item(title, document_id=document, parent_id=below)
            return "create"
        row = self._chance.choice(rows)
        await getattr(self, f"_{what}")(document, row)
        return what

    async def _edit(self, document: str, row: Json) -> None:
        values = self._book.values(Title=f"Edited {self._chance.randrange(1000)}")
        await self._book.ask("PATCH", f"/items/{row['item']['id']}", json={"attributes": values})

    async def _move(self, document: str, row: Json) -> None:
        rows = await self._placements(document)
        parent = self._chance.choice([None, *(one["placement_id"] for one in rows)])
        position = {"document_id": document, "parent_id": parent, "first": True}
        await self._commit("move", row, position=position)

    async def _away(self, document: str, row: Json) -> None:
        other = next(one for one in self._documents if one != document)
        await self._commit("move", row, position={"document_id": other})

    async def _delete(self, document: str, row: Json) -> None:
        await self._commit("delete", row, items=self._chance.random() < 0.5)

    async def _undo(self, document: str, row: Json) -> None:
        await self._book.ask("POST", "/undo")

    async def _retype(self, document: str, row: Json) -> None:
        kind = self._book.type_id(self._chance.choice(["Heading", "Requirement"]))
        await self._book.ask("PATCH", f"/items/{row['item']['id']}", json={"type_id": kind})

    async def _style(self, document: str, row: Json) -> None:
        """Change what the titles of a type are made of."""
        title = self._book.attribute(self._chance.choice(["Title", "Owner"]))
        fields = {"presentation": {"title": title}}
        kind = self._book.type_id("Requirement")
        operation = {"op": "update", "kind": "type", "id": kind, "fields": fields}
        await self._book.commit(operation)

    async def _commit(self, op: str, row: Json, **more: object) -> None:
        """Try it: a move below itself, or away from its children, is refused and changes nothing."""
        await self._book.commit({"op": op, "kind": "placement", "id": row["placement_id"], **more})


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_kept_equals_what_is_read(app: FastAPI, world: World, seed: int) -> None:
    """After each of 25 random changes both documents read the same as kept, as left by others, and from nothing."""
    book = await Book.make(world)
    made = await book.ask("POST", "/documents", json={"title": "Other"})
    other = str(made.json()["id"])
    shared: SharedCache = app.state.database.info[INFO_KEY]
    project_id = UUID((await book.get(""))["id"])
    editor = _Editor(book, other, seed)
    paths = [
        f"/documents/{document}/{part}"
        for document in (book.document, other)
        for part in ("outline", "rows")
    ]
    done = []
    for _ in range(25):
        done.append(await editor.act())
        kept = [(await book.ask("GET", path)).content for path in paths]
        _as_another_process()
        left = [(await book.ask("GET", path)).content for path in paths]
        _as_another_process()
        await shared.forget(project_id)
        fresh = [(await book.ask("GET", path)).content for path in paths]
        assert kept == fresh, done
        assert left == fresh, done
    assert len(set(done)) > 5
