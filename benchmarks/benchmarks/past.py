"""Reading at a date, in documents whose items have 1, 10 and 50 versions, beside the same read at the head."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import orjson

from benchmarks.branches import Branched
from benchmarks.instance import Running
from benchmarks.report import Result, interleaved, result_of

VERSIONS = (1, 10, 50)
SIZE = 1000
"""The largest document of such a project has 500 items."""
BAR = 2.0


async def read_the_past(found: Running) -> list[Result]:
    """Return the results of all numbers of versions."""
    results: list[Result] = []
    for versions in VERSIONS:
        bench = Branched(found, SIZE, f"V{versions}")
        await bench.load()
        async with bench.connected():
            results += await _reads(bench, versions)
    return results


async def _reads(bench: Branched, versions: int) -> list[Result]:
    items = bench.in_document(SIZE)
    moments = [await _recorded(bench)]
    for version in range(1, versions):
        await bench.edit(items, f"version {version}")
        moments.append(await _recorded(bench))
    # The date in question lies behind the head, also where each item has one version.
    await bench.edit(bench.elsewhere(1), "elsewhere")
    when = (moments[len(moments) // 2] + timedelta(microseconds=1)).isoformat()
    rows = f"/documents/{bench.document}/rows"

    async def beside(work: str, rounds: int, path: Callable[[int], str], **params: Any) -> Result:
        def read(at: str) -> Callable[[int], Awaitable[Any]]:
            return lambda number: bench.get(path(number), at=at, **params)

        samples = await interleaved(rounds, ours=read(when), floor=read("main"))
        plural = "s" * (versions > 1)
        result = result_of(f"{work} at a date, {versions} version{plural} each", samples, bar=BAR)
        result.limit, result.floor = result.floor, None
        return result

    def item(number: int) -> str:
        return f"/items/{bench.key}-{items[number % len(items)] + 1}"

    return [
        await beside("one item by key", 40, item),
        await beside("all 500 rows of a document", 15, lambda n: rows, limit=500, offset=0),
    ]


async def _recorded(bench: Branched) -> datetime:
    """Return when the head was recorded."""
    commits = orjson.loads(await bench.get("/commits", limit=1))["commits"]
    return datetime.fromisoformat(commits[0]["recorded_at"])
