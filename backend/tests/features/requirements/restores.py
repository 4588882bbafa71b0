"""Restores by HTTP, for tests."""

from __future__ import annotations

from typing import Any

import httpx

from tests.features.requirements.book import Book, Json


async def head(book: Book) -> int:
    """Return the newest version of main."""
    return int((await book.get("/refs/resolve"))["seq"])


async def restore(book: Book, at: Any, *, branch: str = "main", **body: Any) -> httpx.Response:
    """Ask for a restore."""
    return await book.ask(
        "POST", "/restore", params={"branch": branch}, json={"at": str(at), **body}
    )


async def preview(book: Book, at: Any, *, branch: str = "main", **body: Any) -> httpx.Response:
    """Ask what a restore would change."""
    return await book.ask(
        "POST", "/restore-preview", params={"branch": branch}, json={"at": str(at), **body}
    )


async def restored(book: Book, at: Any, *, branch: str = "main", **body: Any) -> Json:
    """Restore after a look at what it would change, which must be what it then changes."""
    foreseen = await preview(book, at, branch=branch, **body)
    assert foreseen.status_code == 200, foreseen.text
    done = await restore(book, at, branch=branch, **body)
    assert done.status_code == 201, done.text
    shown = {(change["kind"], change["id"]) for change in foreseen.json()["changes"]}
    written = {(change["kind"], change["id"]) for change in done.json()["changes"]}
    assert shown <= written
    newest = (await book.get("/commits", limit=1))["commits"][0]
    assert (newest["kind"], newest["message"]) == ("restore", foreseen.json()["message"])
    assert (await book.ask("POST", "/verify")).json()["problems"] == []
    return dict(done.json())


def place_of(item: Json) -> str:
    """Return where an item stands."""
    return str(item["placements"][0]["placement_id"])
