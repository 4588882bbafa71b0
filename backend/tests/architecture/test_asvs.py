"""The table in docs/security.md has each requirement of the standard once, and what it names is there."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PLACES = ("", "backend/tests", "backend/src/reqtrail")
STATES = {"met", "partly", "not yet", "n.a."}
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
FILE = re.compile(r"`([\w./-]+/[\w.-]+\.\w+)`")


def rows(text: str) -> list[tuple[str, str, str]]:
    """Return number, state and reason of each row."""
    return [(number, state, reason) for number, state, reason in ROW.findall(text)]


def faults(text: str, wanted: set[str] | None, root: Path) -> list[str]:
    """Name what is wrong with the table; without *wanted* numbers only what can be said of it by itself."""
    found = rows(text)
    counts = Counter(number for number, _, _ in found)
    wrong = [f"{number}: {count} times" for number, count in counts.items() if count > 1]
    if wanted is not None:
        wrong += [f"{number}: missing" for number in sorted(wanted - counts.keys())]
        wrong += [f"{number}: not in the standard" for number in sorted(counts.keys() - wanted)]
    for number, state, reason in found:
        if state not in STATES:
            wrong.append(f"{number}: {state}")
        if (other := re.match(r"As (\d+\.\d+\.\d+)", reason)) and other[1] not in counts:
            wrong.append(f"{number}: as {other[1]}, which is not there")
    for name in FILE.findall(text):
        if not any((root / place / name).exists() for place in PLACES):
            wrong.append(f"no file {name}")
    return wrong


def test_each_requirement_stands_once_and_names_what_is_there(shared_folder: Path) -> None:
    with (shared_folder / "data/csv/asvs_5.0.0_en.csv").open(newline="") as file:
        wanted = {row["req_id"][1:] for row in csv.DictReader(file) if row["L"] in {"1", "2"}}
    assert len(wanted) == 253
    assert faults((ROOT / "docs/security.md").read_text(), wanted, ROOT) == []


def test_what_the_document_names_is_there() -> None:
    text = (ROOT / "docs/security.md").read_text()
    assert len(rows(text)) > 250 and len(FILE.findall(text)) > 150
    assert faults(text, None, ROOT) == []


def test_planted_faults_are_found() -> None:
    text = (
        "| 1.1.1 | met | `docs/security.md` |\n| 1.1.1 | met | twice |\n"
        "| 1.1.2 | perhaps | As 9.9.9 |\n| 1.1.4 | met | `features/nowhere.py` |\n"
    )
    assert faults(text, {"1.1.1", "1.1.2", "1.1.3"}, ROOT) == [
        "1.1.1: 2 times",
        "1.1.3: missing",
        "1.1.4: not in the standard",
        "1.1.2: perhaps",
        "1.1.2: as 9.9.9, which is not there",
        "no file features/nowhere.py",
    ]
