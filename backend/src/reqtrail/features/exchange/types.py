"""What exchange speaks of: losses, counts, records of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

MAX_EXAMPLES = 5
ORDER_GAP = 1 << 20
"""How far apart the places of things in a section are, so that later imports can put new ones between them."""


@dataclass
class Loss:
    """Something that an export will not hold as the import brought it."""

    code: str
    message: str
    count: int = 0
    examples: list[str] = field(default_factory=list)


class Losses:
    """Collects losses by code, with a few places as examples; begins with those of *earlier*."""

    def __init__(self, earlier: Losses | None = None) -> None:
        known: dict[str, Loss] = earlier._by_code if earlier is not None else {}
        self._by_code: dict[str, Loss] = {
            code: replace(loss, examples=list(loss.examples)) for code, loss in known.items()
        }

    def add(self, code: str, message: str, where: str = "") -> None:
        """Count a loss of the kind *code* at *where* (an identifier or an address within the file)."""
        loss = self._by_code.setdefault(code, Loss(code, message))
        loss.count += 1
        if where and len(loss.examples) < MAX_EXAMPLES and where not in loss.examples:
            loss.examples.append(where)

    @property
    def total(self) -> int:
        """How much is lost, of all kinds together."""
        return sum(loss.count for loss in self._by_code.values())

    def __bool__(self) -> bool:
        """Whether anything is lost."""
        return bool(self._by_code)

    def as_json(self) -> list[dict[str, Any]]:
        """Return the losses as JSON shows them, by code."""
        return [vars(self._by_code[code]) for code in sorted(self._by_code)]


@dataclass(frozen=True)
class Reference:
    """A reference inside a file, by the kind of what it names and that thing's identifier."""

    kind: str
    identifier: str


@dataclass(frozen=True)
class Record:
    """One entity of a file in the words of the model; references are not resolved yet.

    Attributes:
        identifier: Unique within its kind and file.
        fields: The content of the entity. A ``Reference`` stands for an entity id.
        order: Sort key within the kind: what it refers to comes before it.
    """

    kind: str
    identifier: str
    fields: dict[str, Any]
    order: int


Counts = Counter[str]


@dataclass(frozen=True)
class HistoryRequest:
    """How the import of a history, or of one file of it, was asked for.

    Attributes:
        lines: Whether the file holds replay lines, rather than one state as ReqIF.
        sha256: Of the uploaded file.
        as_owner: Whether an owner asked, who may write to a protected branch.
        baselines: ``NAME``, or for lines also ``NAME@COMMIT``.
        author: Who wrote the state of a ReqIF file; None is who imports it. Lines say it themselves.
        authored_at: When; ISO 8601. None is the time of the file's header. Lines say it themselves.
    """

    lines: bool
    sha256: str
    as_owner: bool
    baselines: tuple[str, ...] = ()
    author: str | None = None
    authored_at: str | None = None


class JobState(StrEnum):
    """How far an import has come. One is stored as ``queued`` until its dry run is ready, it is being written, or it
    ended: the queue knows whether a worker has it."""

    QUEUED = "queued"
    RUNNING = "running"
    DRY_RUN_READY = "dry_run_ready"
    COMMITTING = "committing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Job:
    """An import, as its own row and the row of its job tell together.

    Attributes:
        job_id: Its id, and that of its job in the queue.
        dry_run: Whether it stops with its report until somebody commits it.
        done, total: What ``phase`` counts.
        history: Set for the import of a history.
    """

    project_id: UUID
    job_id: UUID
    author_id: UUID
    state: JobState
    dry_run: bool
    phase: str
    done: int
    total: int
    file_name: str
    file_size: int
    counts: Mapping[str, int]
    mapping: Mapping[str, Any]
    losses: list[dict[str, Any]]
    error: Mapping[str, Any] | None
    commit_seq: int | None
    created_at: datetime
    finished_at: datetime | None
    history: HistoryRequest | None
    cancel_requested: bool
