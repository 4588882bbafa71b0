"""What the rows of branches, bases, names and baselines must be, as it follows from the commits alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Table

from reqtrail.features.versioning.tables import baselines, branch_bases, branches, ref_names
from reqtrail.features.versioning.types import MAIN, REDACTION, CommitRecord

Rows = set[tuple[Any, ...]]


@dataclass
class Line:
    """A branch as its commits say it is."""

    branch_id: UUID
    name: str
    created_seq: int
    head: CommitRecord
    parent_id: UUID | None = None
    state: str = "open"
    is_protected: bool = False
    synced: tuple[UUID | None, int | None] = (None, None)
    merged_seq: int = 0


@dataclass
class Expected:
    """Everything that the commits of a project say of its refs."""

    lines: dict[UUID, Line] = field(default_factory=dict)
    bases: Rows = field(default_factory=set)
    names: dict[str, tuple[UUID, UUID | None]] = field(default_factory=dict)
    baselines: Rows = field(default_factory=set)
    redacted_seq: int = 0

    def rows(self, project_id: UUID) -> dict[Table, Rows]:
        """Return the rows that the tables must hold of a project."""
        return {
            branches: {
                (
                    project_id,
                    line.branch_id,
                    line.name,
                    line.created_seq,
                    line.head.seq,
                    line.head.hash,
                    line.head.recorded_at,
                    line.parent_id,
                    line.state,
                    line.is_protected,
                    *line.synced,
                    line.merged_seq,
                    self.redacted_seq,
                )
                for line in self.lines.values()
            },
            branch_bases: {(project_id, *row) for row in self.bases},
            ref_names: {(project_id, name, *target) for name, target in self.names.items()},
            baselines: {(project_id, *row) for row in self.baselines},
        }


def replay(records: Iterable[CommitRecord]) -> Expected:
    """Return what *records*, in order of their sequences, say of branches and baselines.

    What they say wrongly shows as a difference to the tables; nothing is raised.
    """
    expected = Expected()
    for record in records:
        line = expected.lines.get(record.branch_id)
        if line is None:
            line = _begin(expected, record)
        line.head = record
        try:
            _follow(expected, line, record)
        except (KeyError, TypeError, ValueError):
            continue
    return expected


def _begin(expected: Expected, record: CommitRecord) -> Line:
    name = str(record.details.get("name", MAIN)) if record.kind == "branch" else MAIN
    line = Line(record.branch_id, name, record.seq, record)
    expected.lines[record.branch_id] = line
    expected.names[name.casefold()] = (record.branch_id, None)
    return line


def _follow(expected: Expected, line: Line, record: CommitRecord) -> None:
    details = record.details
    if record.kind in ("branch", "update"):
        base = (UUID(details["base"]["branch"]), details["base"]["seq"])
        expected.bases.add((line.branch_id, record.seq, *base))
        line.synced = base
        if record.kind == "branch":
            line.parent_id, line.merged_seq = base[0], record.seq
    elif record.kind == "merge":
        source = expected.lines[UUID(details["merge"]["branch"])]
        source.synced = (source.branch_id, details["merge"]["seq"])
        source.merged_seq = details["merge"]["seq"]
    elif record.kind == REDACTION:
        expected.redacted_seq = record.seq
    elif record.kind == "branch_renamed":
        line.name = details["name"]
        expected.names[line.name.casefold()] = (line.branch_id, None)
    elif record.kind == "branch_protected":
        line.is_protected = details["protected"]
    elif record.kind == "branch_closed":
        line.state = details["state"]
        for child in details["children"]:
            expected.lines[UUID(child)].parent_id = line.parent_id
    elif record.kind == "baseline":
        baseline_id = UUID(details["baseline"])
        expected.names[details["name"].casefold()] = (line.branch_id, baseline_id)
        expected.baselines.add(
            (
                baseline_id,
                details["name"],
                details["description"],
                line.branch_id,
                details["seq"],
                bytes.fromhex(details["commit"]),
                record.seq,
            )
        )
