"""The words of the record: what is searched for, how far it is sealed, and what does not agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

Everywhere = Literal["all"]
EVERYWHERE: Final[Everywhere] = "all"
"""The events of the instance and of all projects, for administrators."""


@dataclass(frozen=True)
class Place:
    """Where one event stands in the order of time; a page ends at one."""

    occurred_at: datetime
    event_id: UUID


@dataclass(frozen=True)
class Search:
    """Which events are asked for; None asks for any.

    Attributes:
        project_id: Whose events: those of a project, of the instance alone, or of everything.
        action: A whole action, or its beginning up to the colon: ``member:put``, ``member``.
        subject: The id of what an event is about, or its kind.
        text: Words in action, subject, address, values or details.
        since, until: The first moment, and the first moment after.
    """

    project_id: UUID | Everywhere
    actor_id: UUID | None = None
    action: str | None = None
    outcome: str | None = None
    subject: str | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Leaf:
    """An event in its place in the hash tree of its project."""

    seq: int
    occurred_at: datetime
    event_id: UUID
    leaf: bytes


@dataclass(frozen=True)
class Checkpoint:
    """A signature under the first ``size`` leaves of a project's tree."""

    project_id: UUID
    size: int
    root: bytes
    peaks: tuple[bytes, ...]
    signed_at: datetime
    key_id: str
    signature: bytes


@dataclass(frozen=True)
class SealState:
    """How far the record of a project is sealed.

    Attributes:
        unsealed_since: The oldest event that waits for the sealer.
    """

    checkpoint: Checkpoint | None
    unsealed: int
    unsealed_since: datetime | None


What = Literal["removed", "changed", "inserted", "tree", "signature"]


@dataclass(frozen=True)
class Problem:
    """What does not agree with what was sealed.

    Attributes:
        seq: The leaf; None for an event that has none.
    """

    what: What
    detail: str
    seq: int | None = None
    event_id: UUID | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True)
class Report:
    """What a verification found, the first problems in the order of the record.

    Attributes:
        retired: Leaves whose events were dropped as a whole month, as the record itself says.
    """

    sealed: int
    unsealed: int
    unsealed_since: datetime | None
    retired: int
    checkpoints: int
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether everything agrees."""
        return not self.problems


Row = dict[str, Any]
"""An event as it is stored, by column."""
