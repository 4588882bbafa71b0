"""Hot reads: what they cost, counted in statements."""

from __future__ import annotations

import pytest

from tests.features.requirements.book import Book
from tests.fixtures.api import World
from tests.fixtures.statements import sent_by_requests

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("items", [2, 12])
async def test_reads_cost_the_same_however_many_items(world: World, items: int) -> None:
    book = await Book.make(world)
    for number in range(items):
        await book.item(f"item {number}")
    document = f"/documents/{book.document}"
    for path, cold, warm in (
        (f"{document}/outline", 5, 2),
        (f"{document}/rows", 3, 2),
        (f"{document}/rows?offset=1&limit=1", 2, 2),
        ("/documents", 2, 2),
        ("/items?state=unplaced", 2, 2),
        (f"/find?document={book.document}&q=item", 2, 2),
    ):
        for most in (cold, warm):
            with sent_by_requests(world.database.engine) as seen:
                assert (await book.ask("GET", path)).status_code == 200
            assert len(seen) <= most, (path, seen)
