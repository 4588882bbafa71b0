"""Where the long run keeps what it found, so that one that was cut off goes on where it was.

``python -m tests.concurrency.results`` sums the file up: ``backend/.long/concurrent-edits.jsonl``, or what
``REQTRAIL_CONCURRENT_RESULTS`` names.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from reqtrail.kit import clock
from tests.fixtures.result_lines import BACKEND, append, lines_of, sources_of


def results_file() -> Path:
    """Return the file of results: a line of JSON for each batch that ran."""
    default = BACKEND / ".long" / "concurrent-edits.jsonl"
    return Path(os.environ.get("REQTRAIL_CONCURRENT_RESULTS", default))


@cache
def sources() -> str:
    """Return a hash of the sources that were tested, and of the tests."""
    return sources_of("tests/concurrency")


def is_done(first: int, histories: int) -> bool:
    """Return whether the batch that begins with the seed *first* found nothing, with these very sources."""
    done = {"first": first, "histories": histories, "findings": []}
    return any(done.items() <= line.items() for line in _lines())


def note(first: int, histories: int, **found: Any) -> None:
    """Append what a batch did, in one write: other processes append too."""
    at = clock.now().isoformat(timespec="seconds")
    line = {"finished": at, "sources": sources(), "first": first, "histories": histories, **found}
    append(results_file(), line)


def _lines() -> Iterator[dict[str, Any]]:
    return lines_of(results_file(), sources())


def summary() -> str:
    """Return how many histories were played with these sources, what became of the writes, and what was found."""
    batches = {line["first"]: line for line in _lines()}.values()
    counts: Counter[str] = Counter()
    for line in batches:
        counts.update(line["counts"])
    findings = [finding for line in batches for finding in line["findings"]]
    seconds = sum(line["seconds"] for line in batches)
    told = ", ".join(f"{name} {number:,}" for name, number in sorted(counts.items()))
    head = f"Concurrent edits: {counts['histories']:,} histories in {seconds / 3600:.1f} h"
    return "\n".join([f"{head}, {len(findings)} findings; {results_file()}", told, *findings[:20]])


if __name__ == "__main__":
    print(summary())
