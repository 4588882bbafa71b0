"""20,000 random histories in batches: each has its seed, is repeated by it, and leaves a line in a file of results.

What a batch did is appended to ``backend/.long/engine.jsonl`` (``REQTRAIL_LONG_RESULTS`` names another file). A batch
that passed with the same sources is not run again, so an interrupted run goes on where it was. ``python -m
tests.model.test_engine_long`` sums the file up.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import pytest

from reqtrail.kit import clock
from tests.model.machine import EngineMachine
from tests.model.search import SEED, STEPS, search

BATCHES = 100
EXAMPLES = int(os.environ.get("REQTRAIL_LONG_EXAMPLES", "200"))
"""Histories of a batch; fewer of them to try this out."""
FIRST_SEED = 1000
"""Far from the seeds of the short search."""

_BACKEND = Path(__file__).resolve().parents[2]
_COVERED = ("src/reqtrail/features/versioning", "src/reqtrail/kit", "tests/model")


@dataclass(frozen=True)
class Outcome:
    """A line of the file: what one batch did.

    Attributes:
        sources: What was tested: a hash of the engine and of the model.
        error: Empty if all histories agreed.
    """

    batch: int
    seed: int
    examples: int
    steps: int
    sources: str
    seconds: float
    finished: str
    error: str = ""


def results_file() -> Path:
    """Return the file of results."""
    return Path(os.environ.get("REQTRAIL_LONG_RESULTS", _BACKEND / ".long" / "engine.jsonl"))


@cache
def sources() -> str:
    """Return a hash of the sources of the engine and of the model."""
    digest = hashlib.sha256()
    for folder in _COVERED:
        for path in sorted((_BACKEND / folder).rglob("*.py")):
            digest.update(path.relative_to(_BACKEND).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def outcomes() -> Iterator[Outcome]:
    """Yield what the file says about these sources; a line that was cut off by a crash says nothing."""
    if results_file().exists():
        for line in results_file().read_text().splitlines():
            try:
                found = Outcome(**json.loads(line))
            except ValueError:
                continue
            if found.sources == sources():
                yield found


def note(outcome: Outcome) -> None:
    """Append a line, in one write: other processes append too."""
    results_file().parent.mkdir(parents=True, exist_ok=True)
    with results_file().open("a") as file:
        file.write(json.dumps(asdict(outcome)) + "\n")


@pytest.mark.long
@pytest.mark.parametrize("batch", range(BATCHES))
def test_engine_agrees_with_the_model_in_the_long_run(
    machine: type[EngineMachine], batch: int
) -> None:
    number = SEED + FIRST_SEED + batch
    if any(one.seed == number and one.examples == EXAMPLES and not one.error for one in outcomes()):
        pytest.skip("it passed before with the same sources")
    began = time.monotonic()

    def told(error: str) -> Outcome:
        seconds = round(time.monotonic() - began, 1)
        finished = clock.now().isoformat(timespec="seconds")
        return Outcome(batch, number, EXAMPLES, STEPS, sources(), seconds, finished, error)

    try:
        search(machine, number, EXAMPLES)
    except Exception as caught:
        note(told(f"{type(caught).__name__}: {caught}"[:500]))
        raise
    note(told(""))


def summary() -> str:
    """Return how many histories were played with these sources, and which batches failed."""
    found = {outcome.seed: outcome for outcome in outcomes()}.values()
    passed = sum(outcome.examples for outcome in found if not outcome.error)
    failed = [f"batch {one.batch} (seed {one.seed}): {one.error}" for one in found if one.error]
    hours = sum(outcome.seconds for outcome in found) / 3600
    told = f"{passed:,} of {BATCHES * EXAMPLES:,} histories of {STEPS} steps agreed, in {hours:.1f} h; {results_file()}"
    return "\n".join([told, *failed])


if __name__ == "__main__":
    print(summary())
