"""What processes leave to each other of documents: never a stale screen, never what is withheld, and less work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from reqtrail.features.requirements.service import outline, shared_outlines, windows
from reqtrail.platform.redis import make_redis
from reqtrail.platform.shared_cache import SharedCache
from tests.features.requirements.book import Book
from tests.fixtures.api import World
from tests.fixtures.statements import sent_by_requests

pytestmark = pytest.mark.anyio


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of this worker's Valkey."""
    client = make_redis(redis_url, circuit="test of outlines")
    yield client
    await client.aclose()


@pytest.fixture
async def book(world: World) -> Book:
    """A document with six requirements."""
    made = await Book.make(world)
    for number in range(6):
        await made.item(f"Requirement {number}")
    return made


def as_another_process() -> None:
    """Forget what this process keeps of documents, as one that begins has nothing."""
    outline.forget_kept()
    windows.forget_kept()


async def shown(book: Book, **params: Any) -> tuple[Any, Any]:
    """Return the outline and the rows of the document, as the API shows them."""
    path = f"/documents/{book.document}"
    return await book.get(f"{path}/outline", **params), await book.get(f"{path}/rows", **params)


async def test_another_process_takes_over_what_one_has_made(
    app: FastAPI, book: Book, redis: Redis
) -> None:
    as_another_process()
    first = await shown(book)
    for emptied in (False, True):
        as_another_process()
        if emptied:
            await redis.flushdb()
        with sent_by_requests(app.state.database.engine) as sent:
            assert await shown(book) == first
        statements = [statement for statement, _ in sent]
        trees = [one for one in statements if "placements" in one and "rank" in one]
        texts = [one for one in statements if "items.attributes" in one]
        assert (bool(trees), bool(texts)) == (emptied, emptied)


async def test_a_process_brings_what_others_left_up_to_date(book: Book) -> None:
    as_another_process()
    await shown(book)
    await book.item("Requirement at the end")
    as_another_process()
    after, rows = await shown(book)
    assert [row[6] for row in after["rows"]][-1] == "Requirement at the end"
    assert rows["total"] == 7


async def test_what_is_shown_is_the_same_with_and_without(book: Book, redis: Redis) -> None:
    as_another_process()
    await shown(book)
    await book.item("Another")
    as_another_process()
    taken_over = await shown(book)
    as_another_process()
    await redis.flushdb()
    assert await shown(book) == taken_over


async def test_it_begins_with_what_was_shown_most(app: FastAPI, book: Book, redis: Redis) -> None:
    as_another_process()
    await redis.flushdb()
    for _ in range(3):
        first = await shown(book)
    cache = SharedCache(redis)
    await shared_outlines.tell_uses(cache)
    as_another_process()
    assert await outline.warm_up(cache) == 1
    before = outline.outlines.hits
    assert await shown(book) == first
    assert outline.outlines.hits == before + 2


async def test_what_is_redacted_leaves_redis(book: Book, redis: Redis) -> None:
    item = (await book.item("Something secret"))["id"]
    seq = (await book.get("/refs/resolve", at="main"))["seq"]
    values = {"attributes": book.values(Title="Something else")}
    assert (await book.ask("PATCH", f"/items/{item}", json=values)).status_code == 200
    as_another_process()
    await shown(book, at=seq)
    assert b"Something secret" in await _values(redis)
    body = {"entity_id": item, "reason": "It was told in confidence"}
    answer = await book.ask("POST", "/redactions", json=body)
    assert answer.status_code == 201, answer.text
    assert b"Something secret" not in await _values(redis)


async def test_what_is_withheld_is_left_to_nobody_else(world: World, book: Book) -> None:
    """Whoever comes after somebody who reads everything is told no more than they may read, and the reverse."""
    body = {
        "type_id": book.type_id("Requirement"),
        "attributes": book.values(Text="Zyzzyva"),
        "position": {"document_id": book.document},
    }
    assert (await book.ask("POST", "/items", json=body)).status_code == 201
    viewer = await world.member(book.key, "viewer")
    rule = {"roles": ["reviewer"], "group_ids": []}
    answer = await book.ask("PUT", f"/restrictions/{book.attribute('Text')}", json=rule)
    assert answer.status_code == 200, answer.text
    theirs = Book(viewer, book.key, book.document, book.schema)
    for reader, sees in ((book, True), (theirs, False), (book, True), (theirs, False)):
        as_another_process()
        assert all(("Zyzzyva" in str(part)) is sees for part in await shown(reader))


async def _values(redis: Redis) -> bytes:
    keys = [key async for key in redis.scan_iter("rt:*:cache:*")]
    values = [await redis.get(key) for key in keys]
    return b"\n".join(value for value in values if isinstance(value, bytes))
