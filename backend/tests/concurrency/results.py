"""Where long runs keep what they found, so that one that was cut off goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from reqtrail.kit import clock

BACKEND = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("REQTRAIL_LONG_RESULTS", BACKEND / ".long-results"))
SOURCES = ("src/reqtrail", "tests/concurrency")


class Results:
    """A file with a line of JSON for each batch that ran.

    A batch counts as done when it found nothing on the very same sources; any change of them makes it due again.
    """

    def __init__(self, suite: str) -> None:
        self.path = FOLDER / f"{suite}.jsonl"
        self._sources = _fingerprint()

    def is_done(self, batch: int, seed: int) -> bool:
        """Return whether *batch* of the run with *seed* found nothing on these sources."""
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        done = {"batch": batch, "seed": seed, "sources": self._sources, "findings": []}
        return any(done.items() <= json.loads(line).items() for line in lines)

    def add(self, batch: int, seed: int, **found: Any) -> None:
        """Append what a batch found."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = {
            "at": clock.now().isoformat(),
            "batch": batch,
            "seed": seed,
            "sources": self._sources,
            **found,
        }
        with self.path.open("a") as sink:
            sink.write(json.dumps(line) + "\n")


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted((BACKEND / folder).rglob("*.py")):
            digest.update(f"{path.relative_to(BACKEND)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
