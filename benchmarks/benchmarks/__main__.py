"""``python -m benchmarks``: measure, print a table, write JSON to ``results/``.

``BENCH_SIZES`` or ``--sizes`` chooses the sizes (default 1000,10000; of branches 10000,100000). ``python -m benchmarks
branches`` measures branches, ``python -m benchmarks sign-in`` what a flood of sign-ins costs others, ``python -m
benchmarks live`` how soon a save shows on other screens, ``python -m benchmarks caching`` what each level of caching
saves, ``python -m benchmarks tracing`` what traces cost, ``python -m benchmarks jobs`` what the queue of jobs costs,
``python -m benchmarks admission`` what proving a session costs,
``python -m benchmarks mixed`` how soon reads and saves at a fixed rate are answered, ``python -m benchmarks merges``
what large merges take, and for how long others wait for them.
Everything stays on this machine and ends by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from contextlib import AsyncExitStack, ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import admission, branches, caching, jobs, live, merges, mixed, sign_in, tracing
from benchmarks.instance import Running, running
from benchmarks.interchange import interchange
from benchmarks.memory import resident_megabytes
from benchmarks.past import read_the_past
from benchmarks.report import Result, print_table
from benchmarks.work import Bench
from benchmarks.writers import many_writers

SIZES = {
    "work": "1000,10000",
    "branches": "10000,100000",
    "sign-in": "0",
    "admission": "0",
    "live": "0",
    "caching": "1000,10000",
    "tracing": "0",
    "jobs": "0",
    "mixed": "10000",
    "merges": "50000",
}
RESULTS = Path(__file__).resolve().parents[1] / "results"


async def _measure(found: Running, sizes: list[int], folder: Path) -> dict[str, list[Result]]:
    results: dict[str, list[Result]] = {}

    def table(title: str) -> list[Result]:
        print_table(title)
        return results.setdefault(title, [])

    def note(into: list[Result], more: list[Result]) -> None:
        into.extend(more)
        for result in more:
            print(result.line(), flush=True)

    for size in sizes:
        into = table(f"{size:,} items")
        bench = Bench(found, size)
        await bench.load()
        note(into, await bench.measure())
        note(into, await interchange(found, size, folder))
    into = table("Many writers, and memory")
    note(into, [await many_writers(found)])
    api = resident_megabytes(found.pid("api_pids"))
    note(
        into,
        [
            Result(
                "the API process after all this, resident",
                api,
                limit=300,
                bar=1,
                unit="MB",
            )
        ],
    )
    return results


async def _measure_branches(sizes: list[int], folder: Path) -> dict[str, list[Result]]:
    """Measure on an instance for each size, all of which run at once, so that sizes can be measured in turns."""
    results: dict[str, list[Result]] = {}
    with ExitStack() as instances:
        benches = []
        for size in sizes:
            place = folder / str(size)
            place.mkdir(mode=0o711)
            bench = branches.Branched(instances.enter_context(running(place)), size)
            await bench.load()
            print(f"{size:,} items loaded in {bench.load_seconds:.0f} s", flush=True)
            benches.append(bench)
        async with AsyncExitStack() as clients:
            for bench in benches:
                await bench.vacuum()
                await clients.enter_async_context(bench.connected())
            results |= await branches.measure(benches)
        results["Reading the past"] = await read_the_past(benches[0].running)
    for title, found in results.items():
        print_table(title)
        for result in found:
            print(result.line())
    return results


def _write(results: dict[str, list[Result]]) -> Path:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / time.strftime("%Y%m%dT%H%M%S.json", time.gmtime())
    content: dict[str, Any] = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "results": {
            title: [{**asdict(one), "ratio": one.ratio, "verdict": one.verdict} for one in found]
            for title, found in results.items()
        },
    }
    path.write_text(json.dumps(content, indent=1))
    return path


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=sorted(SIZES), default="work")
    parser.add_argument("--sizes", default=os.environ.get("BENCH_SIZES"))
    asked = parser.parse_args()
    sizes = sorted(int(size) for size in (asked.sizes or SIZES[asked.what]).split(","))
    # The engines need a folder that is not below a home that other users cannot enter.
    with tempfile.TemporaryDirectory(prefix="reqtrail-bench-") as name:
        folder = Path(name)
        if asked.what == "branches":
            results = asyncio.run(_measure_branches(sizes, folder))
        elif asked.what == "tracing":
            results = asyncio.run(tracing.measure(folder))
        elif asked.what == "sign-in":
            with running(folder) as found:
                results = asyncio.run(sign_in.measure(found))
        elif asked.what == "admission":
            with running(folder) as found:
                results = asyncio.run(admission.measure(found))
        elif asked.what == "jobs":
            with running(folder) as found:
                results = asyncio.run(jobs.measure(found))
        elif asked.what == "live":
            with running(folder, REQTRAIL_API_PROCESSES="2", REQTRAIL_BCRYPT_ROUNDS="4") as found:
                results = asyncio.run(live.measure(found))
        elif asked.what == "merges":
            with running(folder) as found:
                results = asyncio.run(merges.measure(found, sizes[0]))
        elif asked.what == "mixed":
            with running(folder, REQTRAIL_API_PROCESSES="2") as found:
                results = asyncio.run(mixed.measure(found, sizes[0]))
        elif asked.what == "caching":
            with running(folder) as found:
                results = asyncio.run(caching.measure(found, sizes))
        else:
            with running(folder) as found:
                results = asyncio.run(_measure(found, sizes, folder))
    print(f"\n{_write(results)}")


if __name__ == "__main__":
    main()
