"""The JSON of merges: previews, choices, and what workers do of it."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from reqtrail.features.versioning.schemas import EntityChangeRead, RefRead, SequenceNumber
from reqtrail.platform.http import Body
from reqtrail.platform.jobs.reading import JobRead


class ResolutionWrite(Body):
    """What shall stand where both disagree.

    ``words`` gives a choice for each piece of the text that is in conflict, in order; ``value`` a value of one's own.
    """

    kind: str
    id: UUID
    field: str
    field_key: str | None = None
    choose: Literal["base", "ours", "theirs", "words", "value"]
    words: list[Literal["base", "ours", "theirs", "both"]] = Field(
        default_factory=list, max_length=10_000
    )
    value: Any = None


class MergePreviewWrite(Body):
    """Which way to merge: ``update`` takes the parent's changes, ``merge`` gives the branch's to the parent."""

    direction: Literal["update", "merge"]
    resolutions: list[ResolutionWrite] = []


class MergeWrite(MergePreviewWrite):
    """A merge to be written. ``branch_seq`` and ``parent_seq`` are the heads that the preview showed."""

    message: str = Field(default="", max_length=10_000)
    branch_seq: SequenceNumber | None = None
    parent_seq: SequenceNumber | None = None


class ResolutionRead(BaseModel):
    """What was chosen where both disagreed."""

    kind: str
    id: UUID
    field: str
    field_key: str | None
    choose: Literal["base", "ours", "theirs", "words", "value"]
    words: list[Literal["base", "ours", "theirs", "both"]]
    value: Any


class MergeJobRead(BaseModel):
    """A merge, or an update, that a worker does or did, with what was asked for.

    The ``result`` of a job that is done says which ``branch`` is at which ``seq``, and how many ``changes`` that were.
    A redaction takes values of people's own out of ``resolutions``.
    """

    job: JobRead
    direction: Literal["update", "merge"]
    message: str
    resolutions: list[ResolutionRead]
    branch_seq: int | None
    parent_seq: int | None

    @classmethod
    def of(cls, job: JobRead, asked: MergeWrite) -> MergeJobRead:
        """Return a job with what was asked for as JSON shows it."""
        return cls(
            job=job,
            direction=asked.direction,
            message=asked.message,
            resolutions=[
                ResolutionRead.model_validate(item.model_dump()) for item in asked.resolutions
            ],
            branch_seq=asked.branch_seq,
            parent_seq=asked.parent_seq,
        )


class MergeJobList(BaseModel):
    """The newest merges and updates of a branch that workers do or did, newest first."""

    merges: list[MergeJobRead]


class PieceRead(BaseModel):
    """A piece of a merged text: ``text`` is merged; where it is null, one of the three has to be chosen."""

    text: str | None
    base: str
    ours: str
    theirs: str


class MergeConflictRead(BaseModel):
    """Something to be chosen; ``reason`` says for a structural rule what would be broken.

    ``pieces`` is the merge of a text by word, as plain text; null for what does not merge by word. Of a base that was
    redacted nothing is known, and it cannot be chosen.
    """

    kind: str
    id: UUID
    key: str | None
    field: str
    field_key: str | None
    base: Any
    ours: Any
    theirs: Any
    reason: str | None
    open: bool
    chosen: str | None
    words: list[str]
    pieces: list[PieceRead] | None
    base_redacted: bool


class MergePreviewRead(BaseModel):
    """What a merge would do; ``ours`` is the head that it would write to.

    ``large`` says that it changes so much that a worker should do it: ask for it with ``Prefer: respond-async``.
    """

    direction: str
    branch: str
    parent: str
    base: RefRead
    ours: RefRead
    theirs: RefRead
    changes: list[EntityChangeRead]
    conflicts: list[MergeConflictRead]
    branch_seq: int
    parent_seq: int
    large: bool
