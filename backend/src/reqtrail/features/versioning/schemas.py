"""The JSON of the version engine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from reqtrail.features.versioning.types import CommitRecord, Snapshot


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


class EntityChangeRead(BaseModel):
    """One entity that differs between two versions."""

    kind: str
    id: UUID
    key: str | None
    change: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    fields: list[FieldChange]


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
    """What verification read and found."""

    ok: bool
    counts: dict[str, int]
    problems: list[ProblemRead]
