"""Files of replay lines that are broken: the error names the line, and nothing is left behind."""

from __future__ import annotations

import gzip
from uuid import UUID

import pytest
from sqlalchemy import func, select

from reqtrail.features.exchange.tables import exchange_uploads
from reqtrail.features.identity.tables import users
from tests.features.exchange.told import STORY, History, change, line, packed
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio

BROKEN: dict[str, tuple[bytes, str, int | None]] = {
    "no JSON": (b'{"commit": ', "broken_line", 2),
    "a deep well": (b'{"commit": ' + b"[" * 990 + b"]" * 990 + b"}", "broken_line", 2),
    "a deeper well": (b"[" * 100_000, "broken_line", 2),
    "no object": (b"[1]", "broken_line", 2),
    "not UTF-8": (b'{"commit": "\xff"}', "broken_line", 2),
    "NUL": (packed([line(2, subject="a\0b")]), "broken_line", 2),
    "half a surrogate": (b'{"commit": "\\ud800"}', "broken_line", 2),
    "no changes": (packed([{**line(2), "changes": None}]), "broken_line", 2),
    "no author": (packed([line(2, author=7)]), "broken_line", 2),
    "an empty author": (packed([line(2, author=" ")]), "broken_line", 2),
    "no time": (packed([line(2, time="yesterday")]), "broken_line", 2),
    "a time beyond the calendar": (packed([line(2, time=1e18)]), "broken_line", 2),
    "yes as time": (packed([line(2, time=True)]), "broken_line", 2),
    "an operation of another kind": (packed([line(2, change("copy", "R-2"))]), "broken_line", 2),
    "a number in a field": (
        packed([line(2, {**change("add", "R-2"), "fields": {"UID": 2}})]),
        "broken_line",
        2,
    ),
    "an item twice": (
        packed([line(2, change("add", "R-2"), change("delete", "R-2"))]),
        "broken_line",
        2,
    ),
    "a change of nothing": (packed([line(2, change("modify", "R-2"))]), "broken_line", 2),
    "a deletion of nothing": (packed([line(2, change("delete", "R-2"))]), "broken_line", 2),
    "what is there added": (packed([line(2, change("add", "R-1"))]), "broken_line", 2),
    "a line is missing": (packed([line(2), line(4)]), "broken_line", 3),
    "a line comes twice": (packed([line(2), line(2, parents=["c2"])]), "broken_line", 3),
    "a date that is text": (packed([line(2, time="2020-02-30")]), "broken_line", 2),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_file_leaves_nothing(world: World, name: str) -> None:
    """The error names the line, and nothing is there: no commit, no author, no upload."""
    history = await History.make(world)
    start = await history.head()
    rest, code, number = BROKEN[name]
    job = await history.tell(packed([line(1, change("add", "R-1"), author=f"ann {name}")]) + rest)
    assert (job["state"], job["error"]["code"], job["error"]["line"]) == ("failed", code, number)
    assert job["error"]["detail"].startswith(f"Line {number} ")
    assert await history.head() == start
    async with world.owner.session() as session:
        author = select(func.count()).where(users.c.display_name == f"ann {name}")
        assert await session.scalar(author) == 0
        left = select(func.count()).where(exchange_uploads.c.job_id == UUID(job["id"]))
        assert await session.scalar(left) == 0


@pytest.mark.parametrize(
    ("data", "file", "code"),
    [
        (b"", "a.jsonl", "broken_line"),
        (b"\n \n", "a.jsonl", "broken_line"),
        (gzip.compress(packed(STORY))[:60], "a.jsonl.gz", "bad_archive"),
        (b"\x1f\x8bnot packed", "a.jsonl.gz", "bad_archive"),
    ],
    ids=["empty", "blank", "cut off", "not packed"],
)
async def test_no_file_at_all(world: World, data: bytes, file: str, code: str) -> None:
    history = await History.make(world)
    job = await history.tell(data, file)
    assert (job["state"], job["error"]["code"]) == ("failed", code)
