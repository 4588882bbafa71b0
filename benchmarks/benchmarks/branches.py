"""Branches, baselines, comparisons and merges: what they cost in small and large projects, and what branches read for.

Each size has an instance of its own; the same work is done on all of them in turns, so that noise meets all alike.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import orjson

from benchmarks import sql
from benchmarks.instance import Running
from benchmarks.report import Result, interleaved, result_of
from benchmarks.work import Bench

MAKE_LIMIT_MS = 20.0
FLAT = 1.2
BRANCH_READS = 1.5
CHANGES = (10, 100, 1000)
SEAL_SECONDS_A_MILLION = 10.0
SEAL_LIMIT_SECONDS = 600.0


class Branched(Bench):
    """A project whose branches are measured: items and placements, without links."""

    def __init__(self, running: Running, size: int, key: str | None = None) -> None:
        super().__init__(running, size, key, with_links=False)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Talk to the instance within the context."""
        async with httpx.AsyncClient(
            base_url=f"{self._running.url}/api/v1/projects/{self.key}",
            headers={"Authorization": f"Bearer {self._running.token}"},
            timeout=600,
        ) as self._ours:
            self._items = [row.index for row in self.corpus.rows if not row.heading]
            yield

    @property
    def document(self) -> str:
        """The id of the largest document."""
        return str(self._load.id("document", self._document))

    async def get(self, path: str, **params: Any) -> bytes:
        """Return the body of an answer."""
        return await self._get(path, **params)

    async def post(self, path: str, content: Any, *, prefer: str = "", **params: Any) -> Any:
        """Return what a write answers.

        Args:
            prefer: What is sent as ``Prefer``.

        Raises:
            RuntimeError: If it is refused.
        """
        response = await self._ours.post(
            path,
            content=orjson.dumps(content),
            params=params,
            headers={"Content-Type": "application/json", **({"Prefer": prefer} if prefer else {})},
        )
        if not response.is_success:
            raise RuntimeError(f"{path} was refused: {response.text[:500]}")
        return orjson.loads(response.content)

    async def branch(self, name: str, ref: str | None = None) -> str:
        """Make a branch; return its id."""
        return str((await self.post("/branches", {"name": name, "ref": ref}))["id"])

    async def edit(self, items: Sequence[int], salt: str, branch: str = "main") -> None:
        """Change the text of *items* in one commit."""
        operations = [self._edit(index, salt) for index in items]
        await self.post("/commits", {"message": "Edit", "operations": operations}, branch=branch)

    def edit_of(self, index: int, salt: str) -> bytes:
        """Return the body of the commit that changes the text of one item."""
        return orjson.dumps({"message": "Edit", "operations": [self._edit(index, salt)]})

    def some(self, count: int, part: int, salt: str) -> list[int]:
        """Return items from all over the project; those of part 0 and of part 1 are disjoint."""
        return random.Random(salt).sample(self._items[part::2], count)

    def in_document(self, count: int) -> list[int]:
        """Return items of the largest document."""
        rows = self.corpus.rows
        inside = [index for index in self._items if rows[index].document == self._document]
        return inside[:: max(1, len(inside) // count)][:count]

    def elsewhere(self, count: int) -> list[int]:
        """Return items of other documents."""
        rows = self.corpus.rows
        return [index for index in self._items if rows[index].document != self._document][:count]

    def item_path(self, number: int) -> str:
        """Return the path of one of many items."""
        return f"/items/{self.key}-{self._item(number) + 1}"

    async def head(self, ref: str = "main") -> int:
        """Return the sequence of a ref."""
        return int(orjson.loads(await self.get("/refs/resolve", at=ref))["seq"])

    async def written_bytes(self) -> int:
        """Return how much the database has written to its log since it was made."""
        connection = await asyncpg.connect(self._running.raw_url)
        try:
            return int(await connection.fetchval(sql.WRITTEN_BYTES))
        finally:
            await connection.close()

    async def first_seal_seconds(self) -> float:
        """Return how long the first seal of the project took, from its request on."""
        connection = await asyncpg.connect(self._running.raw_url)
        try:
            return float(await connection.fetchval(sql.FIRST_SEAL, self.project_id))
        finally:
            await connection.close()


Act = Callable[[Branched, int], Awaitable[Any]]


async def measure(benches: Sequence[Branched]) -> dict[str, list[Result]]:
    """Return the results by title; *benches* from small to large, connected."""
    making = await _flat("make a branch", benches, 30, _make, limit=MAKE_LIMIT_MS)
    results = {"Branches: making, comparing and merging, by size": making}
    for count in CHANGES:
        for bench in benches:
            await bench.branch(f"compared {count}")
            await bench.edit(bench.some(count, 0, f"c{count}"), "compared", f"compared {count}")
        making += await _flat(
            f"compare main with a branch of {count:,} changes", benches, 10, _comparison(count)
        )
    for count in CHANGES:
        making += await _merges(benches, count)
    for bench in benches:
        results[f"Branches: reading at {bench.size:,} items"] = await _reads(bench)
    for bench in benches:
        making.append(await _first_seal(bench))
    making += await _baselines(benches)
    return results


async def _make(bench: Branched, number: int) -> None:
    await bench.post("/branches", {"name": f"branch {number}"})


async def _baselines(benches: Sequence[Branched]) -> list[Result]:
    """Make baselines one after the other, each when the one before it is sealed."""
    samples: dict[str, list[float]] = {str(bench.size): [] for bench in benches}
    for number in range(15):
        for bench in benches:
            began = time.perf_counter()
            await bench.post("/baselines", {"name": f"Baseline {number}"})
            samples[str(bench.size)].append((time.perf_counter() - began) * 1000)
            await _sealed(bench)
    return _by_size("make a baseline", benches, samples, MAKE_LIMIT_MS)


def _comparison(count: int) -> Act:
    async def compare(bench: Branched, number: int) -> None:
        await bench.get("/compare", **{"from": "main", "to": f"compared {count}"})

    return compare


async def _flat(
    work: str, benches: Sequence[Branched], rounds: int, act: Act, limit: float | None = None
) -> list[Result]:
    def side(bench: Branched) -> Callable[[int], Awaitable[Any]]:
        return lambda number: act(bench, number)

    samples = await interleaved(rounds, **{str(bench.size): side(bench) for bench in benches})
    return _by_size(work, benches, samples, limit)


def _by_size(
    work: str,
    benches: Sequence[Branched],
    samples: dict[str, list[float]],
    limit: float | None = None,
) -> list[Result]:
    """Return a result a size: against *limit*, if there is one, and all but the smallest against the smallest."""
    results = []
    smallest = statistics.median(samples[str(benches[0].size)])
    for number, bench in enumerate(benches):
        own = {"ours": samples[str(bench.size)]}
        name = f"{work}, {bench.size:,} items"
        if limit is not None:
            results.append(result_of(name, own, limit=limit, bar=1.0))
        if number:
            note = f"{name}, against {benches[0].size:,}"
            results.append(result_of(note, own, limit=smallest, bar=FLAT))
        elif limit is None:
            results.append(result_of(name, own))
    return results


async def _merges(benches: Sequence[Branched], count: int) -> list[Result]:
    """Preview and merge branches of *count* changes to a main that had as many elsewhere; making them is not timed."""
    shown: dict[str, list[float]] = {str(bench.size): [] for bench in benches}
    merged: dict[str, list[float]] = {str(bench.size): [] for bench in benches}
    logged: dict[str, list[float]] = {str(bench.size): [] for bench in benches}
    for number in range(-1, 5):
        for bench in benches:
            name = f"merged {count} {number}"
            branch_id = await bench.branch(name)
            await bench.edit(bench.some(count, 0, name), name, name)
            await bench.edit(bench.some(count, 1, name), name)
            path, body = f"/branches/{branch_id}", {"direction": "merge"}
            times = []
            for what in ("merge-preview", "merge"):
                written = await bench.written_bytes()
                began = time.perf_counter()
                await bench.post(f"{path}/{what}", body)
                times.append((time.perf_counter() - began) * 1000)
            if number >= 0:
                shown[str(bench.size)].append(times[0])
                merged[str(bench.size)].append(times[1])
                logged[str(bench.size)].append((await bench.written_bytes() - written) / 1e6)
    return [
        *_by_size(f"preview of a merge of {count:,} changes", benches, shown),
        *_by_size(f"merge of {count:,} changes", benches, merged),
        *(
            result_of(
                f"what that merge writes to the database's log, {bench.size:,} items",
                {"ours": logged[str(bench.size)]},
                unit="MB",
            )
            for bench in benches
        ),
    ]


async def _reads(bench: Branched) -> list[Result]:
    """Read a branch of a branch, each with 100 edits of its own, beside main."""
    await bench.branch("below")
    await bench.edit(bench.some(50, 0, "below"), "below", "below")
    await bench.edit(bench.in_document(50), "below", "below")
    await bench.branch("above", "below")
    await bench.edit(bench.some(50, 1, "above"), "above", "above")
    await bench.edit(bench.in_document(40)[1:], "above", "above")
    for number in range(12):
        for name in ("main", "above"):
            await bench.edit(bench.in_document(12)[number : number + 1], f"{name} {number}", name)
    main, above = await bench.head(), await bench.head("above")
    rows, outline = f"/documents/{bench.document}/rows", f"/documents/{bench.document}/outline"

    def past(name: str, head: int, number: int) -> str:
        # Every second commit is of the other branch.
        return f"{name}@{head - 2 * (number + 1)}"

    async def one(work: str, rounds: int, here: Any, there: Any) -> Result:
        samples = await interleaved(rounds, ours=here, floor=there)
        result = result_of(work, samples, bar=BRANCH_READS)
        result.limit, result.floor = result.floor, None
        return result

    return [
        await one(
            "one item by key, on a branch of a branch",
            40,
            lambda n: bench.get(bench.item_path(n), at="above"),
            lambda n: bench.get(bench.item_path(n), at="main"),
        ),
        await one(
            "page of 100 rows, on a branch of a branch",
            40,
            lambda n: bench.get(rows, at="above", limit=100, offset=100 * (n + 1) % 400),
            lambda n: bench.get(rows, at="main", limit=100, offset=100 * (n + 1) % 400),
        ),
        await one(
            "outline of the largest document, on a branch of a branch",
            15,
            lambda n: bench.get(outline, at="above"),
            lambda n: bench.get(outline, at="main"),
        ),
        await one(
            "the same, built anew",
            10,
            lambda n: bench.get(outline, at=past("above", above, n)),
            lambda n: bench.get(outline, at=past("main", main, n)),
        ),
        await one(
            "whole largest document, on a branch of a branch",
            9,
            lambda n: bench.get(rows, at="above", limit=5000, offset=0),
            lambda n: bench.get(rows, at="main", limit=5000, offset=0),
        ),
    ]


async def _first_seal(bench: Branched) -> Result:
    """Make a baseline; return how long the worker took to seal it from nothing, from the request on."""
    await bench.post("/baselines", {"name": "First"})
    (baseline,) = await _sealed(bench)
    leaves = baseline["seal"]["leaf_count"]
    result = Result(f"first seal, {leaves:,} entities", await bench.first_seal_seconds(), unit="s")
    if leaves >= 1_000_000:
        result.limit, result.bar = SEAL_SECONDS_A_MILLION * leaves / 1e6, 1.0
    return result


async def _sealed(bench: Branched) -> list[Any]:
    """Return the baselines of the project once all of them are sealed.

    Raises:
        TimeoutError: If that takes too long.
    """
    deadline = time.monotonic() + SEAL_LIMIT_SECONDS
    while True:
        found: list[Any] = orjson.loads(await bench.get("/baselines"))["baselines"]
        if all(one["seal"]["state"] == "sealed" for one in found):
            return found
        if time.monotonic() > deadline:
            raise TimeoutError("the seals were not made")
        await asyncio.sleep(0.2)
