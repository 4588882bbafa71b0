"""Where the long stories keep what came of them, so that a run that was cut off goes on where it was.

``python -m tests.faults.results`` sums the file up: ``backend/.long/faults.jsonl``, or what ``REQTRAIL_FAULT_RESULTS``
names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from tests.faults.stage import Report
from tests.fixtures.result_lines import BACKEND, append, lines_of, sources_of


def results_file() -> Path:
    """Return the file of results: a line of JSON for each story that was played."""
    default = BACKEND / ".long" / "faults.jsonl"
    return Path(os.environ.get("REQTRAIL_FAULT_RESULTS", default))


@cache
def sources() -> str:
    """Return a hash of the sources that were tested, and of the tests."""
    return sources_of("tests/faults", "tests/fixtures")


def is_done(faults: list[str], pause: float, seed: int) -> bool:
    """Return whether the same story was played with these very sources, and nothing was found."""
    done = {"faults": faults, "pause": pause, "seed": seed, "complaints": []}
    return any(done.items() <= line.items() for line in _lines())


def note(report: Report) -> None:
    """Append what came of a story, in one write: other processes append too."""
    line = {"sources": sources(), **asdict(report)}
    append(results_file(), line)


def _lines() -> Iterator[dict[str, Any]]:
    return lines_of(results_file(), sources())


def summary() -> str:
    """Return how many stories were played with these sources, and what came of each."""
    stories = {(tuple(line["faults"]), line["seed"]): line for line in _lines()}.values()
    findings = [finding for line in stories for finding in line["complaints"]]
    told = [
        f"{' + '.join(line['faults'])} ({line['pause']:g} s): {line['acknowledged']} saved,"
        f" nothing for {line['longest_gap']} s, {line['jobs']} jobs, {line['jobs_run_again']} again,"
        f" well after {max(line['well_after'].values())} s"
        for line in stories
    ]
    head = f"Faults: {len(stories)} stories, {len(findings)} findings; {results_file()}"
    return "\n".join([head, *told, *findings[:20]])


if __name__ == "__main__":
    print(summary())
