"""The JSON of the version engine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, Field, StrictBool, StrictInt

from reqtrail.features.versioning.types import BaselineState, CommitRecord, Snapshot
from reqtrail.platform.http import WHOLE, Body

LAST_SEQUENCE: Final = 2**53 - 1
"""The largest number of a version that can be asked for: the largest that every reader of JSON keeps exact."""

SequenceNumber = Annotated[StrictInt, Field(ge=0, le=LAST_SEQUENCE), WHOLE]
"""The number of a version, in a body."""


class RefRead(BaseModel):
    """What an answer was read at."""

    branch: str
    seq: int
    commit: str
    recorded_at: datetime
    head: bool

    @classmethod
    def of(cls, snapshot: Snapshot) -> RefRead:
        """Return *snapshot* as JSON shows it."""
        return cls(
            branch=snapshot.branch,
            seq=snapshot.seq,
            commit=snapshot.commit_hash.hex(),
            recorded_at=snapshot.recorded_at,
            head=snapshot.is_head,
        )


class Author(BaseModel):
    """Who made a commit."""

    id: UUID
    display_name: str


class CommitRead(BaseModel):
    """A commit."""

    seq: int
    commit: str
    kind: str
    author: Author
    message: str
    authored_at: datetime
    recorded_at: datetime
    details: dict[str, Any]

    @classmethod
    def of(cls, record: CommitRecord, names: Mapping[UUID, str]) -> CommitRead:
        """Return *record* as JSON shows it."""
        return cls(
            seq=record.seq,
            commit=record.hash.hex(),
            kind=record.kind,
            author=Author(id=record.author_id, display_name=names.get(record.author_id, "")),
            message=record.message,
            authored_at=record.authored_at,
            recorded_at=record.recorded_at,
            details=dict(record.details),
        )


class CommitList(BaseModel):
    """Commits, newest first; ``next`` is the ``before`` of the following page."""

    commits: list[CommitRead]
    next: int | None


class ChangeRead(BaseModel):
    """What a commit did to one entity."""

    kind: str
    id: UUID
    key: str | None
    action: str


class CommitOutcome(BaseModel):
    """What came of a write."""

    ref: RefRead
    merged: bool
    changes: list[ChangeRead]


class UndoRead(BaseModel):
    """What undo and redo would act on."""

    undo: CommitRead | None
    redo: CommitRead | None


class FieldChange(BaseModel):
    """One field of an entity that differs; ``key`` is the attribute within ``attributes``."""

    field: str
    key: str | None
    before: Any
    after: Any


class RedactionRead(BaseModel):
    """That a version of a thing was removed for good: by which commit ``seq``, by whom, when and why."""

    seq: int
    author: Author
    recorded_at: datetime
    reason: str


class RedactionWrite(Body):
    """What to redact of one thing, on every branch: the versions that ``sequences`` name, those ``holding`` a text, or,
    without either, all that no open branch shows. ``reason`` is kept for ever: it must not repeat what is removed.
    """

    entity_id: UUID
    reason: str = Field(min_length=3, max_length=2000)
    sequences: list[SequenceNumber] = Field(default_factory=list, max_length=10_000)
    holding: str = Field(default="", max_length=10_000)


class RedactedRead(BaseModel):
    """A version of a thing that was redacted."""

    kind: str
    id: UUID
    seq: int
    redacted_by: int


class RedactionOutcome(BaseModel):
    """What a redaction removed: ``redacted`` names each version with the commit that had written it."""

    ref: RefRead
    redacted: list[RedactedRead]


class EntityChangeRead(BaseModel):
    """One entity that differs between two versions; of a side that was redacted nobody can tell how it differs."""

    kind: str
    id: UUID
    key: str | None
    change: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    fields: list[FieldChange]
    redacted_before: RedactionRead | None = None
    redacted_after: RedactionRead | None = None


class CompareRead(BaseModel):
    """The difference of two versions of a project."""

    from_ref: RefRead
    to_ref: RefRead
    changes: list[EntityChangeRead]


class EntityHistoryEntryRead(BaseModel):
    """One version of a thing: the commit, what it did (``added``, ``removed``, ``changed``) and to which fields."""

    commit: CommitRead
    change: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    fields: list[FieldChange]
    redacted_before: RedactionRead | None = None
    redacted_after: RedactionRead | None = None


class HistoryRead(BaseModel):
    """Every version of one thing, newest first."""

    ref: RefRead
    id: UUID
    key: str | None
    entries: list[EntityHistoryEntryRead]


class ProblemRead(BaseModel):
    """Something that verification found."""

    what: str
    detail: str
    kind: str | None
    id: UUID | None
    seq: int | None


class VerifyRead(BaseModel):
    """What verification read and found; what an owner ``redacted`` is named, and is no problem."""

    ok: bool
    counts: dict[str, int]
    problems: list[ProblemRead]
    redacted: list[RedactedRead]


class BranchRead(BaseModel):
    """A branch: ``ahead`` are its commits that its parent lacks, ``behind`` those of its parent that it lacks."""

    id: UUID
    name: str
    state: str
    protected: bool
    parent: str | None
    base: int | None
    head: RefRead
    created_seq: int
    ahead: int
    behind: int


class BranchList(BaseModel):
    """The branches of a project, the oldest first."""

    branches: list[BranchRead]


class BranchCreate(Body):
    """A new branch; ``ref`` is what it starts from, the head of main if left out."""

    name: str = Field(min_length=1, max_length=200)
    ref: str | None = Field(default=None, max_length=200)


class BranchPatch(Body):
    """What to change of a branch."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    protected: StrictBool | None = None


class BaselineCreate(Body):
    """A new baseline; ``ref`` is what it names, the head of main if left out."""

    name: str = Field(min_length=1, max_length=200)
    ref: str | None = Field(default=None, max_length=200)
    description: str = Field(default="", max_length=10_000)


class SealRead(BaseModel):
    """The seal of a baseline: ``root`` covers everything visible at it, in ``leaf_count`` leaves, once it is sealed."""

    state: str
    root: str | None
    leaf_count: int | None
    error: str | None


class BaselineRead(BaseModel):
    """A baseline."""

    id: UUID
    name: str
    description: str
    branch: str
    seq: int
    commit: str
    author: Author
    made_at: datetime
    seal: SealRead | None

    @classmethod
    def of(
        cls, state: BaselineState, names: Mapping[UUID, str], seal: SealRead | None
    ) -> BaselineRead:
        """Return a baseline as JSON shows it."""
        row, made = state.row, state.made
        return cls(
            id=row.baseline_id,
            name=row.name,
            description=row.description,
            branch=state.branch,
            seq=row.seq,
            commit=row.commit_hash.hex(),
            author=Author(id=made.author_id, display_name=names.get(made.author_id, "")),
            made_at=made.recorded_at,
            seal=seal,
        )


class BaselineList(BaseModel):
    """The baselines of a project, newest first."""

    baselines: list[BaselineRead]
