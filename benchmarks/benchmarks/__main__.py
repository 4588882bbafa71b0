"""``python -m benchmarks``: measure, print a table, write JSON to ``results/``.

``BENCH_SIZES`` or ``--sizes`` chooses the sizes (default 1000,10000). Everything stays on
this machine and ends by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.instance import Running, running
from benchmarks.work import Bench, Result

RESULTS = Path(__file__).resolve().parents[1] / "results"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def _verdict(result: Result) -> str:
    if result.bar is None or result.ratio is None:
        return ""
    return "met" if result.ratio <= result.bar else "missed"


def _line(result: Result) -> str:
    cells = [
        result.work,
        _number(result.ours),
        _number(result.raw),
        _number(result.floor),
        _number(result.limit),
        "" if result.ratio is None else f"{result.ratio:.2f}",
        "" if result.bar is None else f"{result.bar:g}",
        _verdict(result),
    ]
    return f"| {' | '.join(cells)} |"


async def _measure(found: Running, sizes: list[int]) -> dict[int, list[Result]]:
    results: dict[int, list[Result]] = {}
    for size in sizes:
        bench = Bench(found, size)
        await bench.load()
        results[size] = await bench.measure()
        print(f"\n### {size:,} items\n")
        print("| work | ours ms | raw ms | floor ms | limit ms | ours / limit | bar | |")
        print("|---|---:|---:|---:|---:|---:|---:|---|")
        for result in results[size]:
            print(_line(result), flush=True)
    return results


def _write(results: dict[int, list[Result]]) -> Path:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / time.strftime("%Y%m%dT%H%M%S.json", time.gmtime())
    content: dict[str, Any] = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "results": {
            str(size): [{**asdict(one), "ratio": one.ratio} for one in found]
            for size, found in results.items()
        },
    }
    path.write_text(json.dumps(content, indent=1))
    return path


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=os.environ.get("BENCH_SIZES", "1000,10000"))
    sizes = [int(size) for size in parser.parse_args().sizes.split(",")]
    # The engines need a folder that is not below a home that other users cannot enter.
    with tempfile.TemporaryDirectory(prefix="reqtrail-bench-") as folder:
        with running(Path(folder)) as found:
            results = asyncio.run(_measure(found, sizes))
    print(f"\n{_write(results)}")


if __name__ == "__main__":
    main()
