"""Merges of thousands of changes: how long one takes, and for how long others who write to the project wait meanwhile.

Each is done within a request and by a worker, of a branch of its own, while somebody saves to another branch all the
time. Their longest save is what the lock of the project costs them.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import orjson

from benchmarks.branches import Branched
from benchmarks.instance import Running
from benchmarks.report import Result, print_table

COUNTS: Final = (1_000, 10_000)
ROUNDS: Final = 3
PER_COMMIT: Final = 10_000
ENDED: Final = ("done", "failed", "dead", "cancelled")
LATEST_SECONDS: Final = 600.0


async def measure(found: Running, size: int) -> dict[str, list[Result]]:
    """Measure in one project of *size* items."""
    bench = Branched(found, size)
    await bench.load()
    await bench.vacuum()
    results: list[Result] = []
    print_table(f"Merges in a project of {size:,} items")
    async with bench.connected():
        await bench.branch("elsewhere")
        for count in COUNTS:
            if count > size // 4:
                continue
            for how in (within_a_request, by_a_worker):
                results += await _rounds(bench, count, how)
                for result in results[-3:]:
                    print(result.line(), result.note, flush=True)
    return {f"Merges in a project of {size:,} items": results}


async def within_a_request(bench: Branched, branch_id: str) -> None:
    """Merge as a request that is answered when it is done."""
    await bench.post(f"/branches/{branch_id}/merge", {"direction": "merge"})


async def by_a_worker(bench: Branched, branch_id: str) -> None:
    """Merge as a job, and wait until it has ended.

    Raises:
        RuntimeError: If it came to no good end.
        TimeoutError: If it takes too long.
    """
    job = await bench.post(
        f"/branches/{branch_id}/merge", {"direction": "merge"}, prefer="respond-async"
    )
    deadline = time.monotonic() + LATEST_SECONDS
    while job["state"] not in ENDED:
        if time.monotonic() > deadline:
            raise TimeoutError("the merge has not ended")
        await asyncio.sleep(0.05)
        job = orjson.loads(await bench.get(f"/jobs/{job['id']}"))
    if job["state"] != "done":
        raise RuntimeError(f"the merge ended as {job['state']}: {job['error']}")


async def _rounds(bench: Branched, count: int, how: Any) -> list[Result]:
    seconds, waits, rests = [], [], []
    words = how.__name__.replace("_", " ")
    for number in range(ROUNDS):
        name = f"{words} {count} {number}"
        branch_id = await bench.branch(name)
        for part in (0, 1):
            chosen = bench.some(count, part, name)
            # One side is merged into a parent that changed as much elsewhere.
            for at in range(0, count, PER_COMMIT):
                await bench.edit(chosen[at : at + PER_COMMIT], name, "main" if part else name)
        rests.append(await _longest_save(bench, asyncio.sleep(1.0)))
        began = time.perf_counter()
        waits.append(await _longest_save(bench, how(bench, branch_id)))
        seconds.append(time.perf_counter() - began)
    work = f"merge of {count:,} changes, {words}"
    note = f"{ROUNDS} merges: {', '.join(f'{one:.2f}' for one in seconds)}"
    longest = ", ".join(f"{one:.0f}" for one in waits)
    return [
        Result(work, sorted(seconds)[ROUNDS // 2], unit="s", note=note),
        Result("  longest save of another meanwhile", max(waits), note=longest),
        Result("  longest save of another before", max(rests)),
    ]


async def _longest_save(bench: Branched, doing: Any) -> float:
    """Return how many milliseconds the longest of the saves to another branch took while something was done."""
    longest, number, items = 0.0, 0, bench.in_document(100)
    task = asyncio.ensure_future(doing)
    while not task.done():
        number += 1
        began = time.perf_counter()
        await bench.edit([items[number % len(items)]], f"{began}", "elsewhere")
        longest = max(longest, (time.perf_counter() - began) * 1000)
    await task
    return longest
