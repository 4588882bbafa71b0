"""The words of the version engine as types. Contents are plain dicts: field name to value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table

from reqtrail.features.access.public import NOTHING_WITHHELD, Withheld

Content = dict[str, Any]
"""The content of a revision: every field of its kind, with UUIDs, JSON values and bytes as Python values."""

MAIN = "main"

REDACTION = "redaction"

BOOK_KINDS = (
    *("branch", "branch_renamed", "branch_protected", "branch_closed", "baseline"),
    REDACTION,
)
"""The kinds of commits that write no revision."""

Shape = tuple[bool, ...]
"""Whether something is withheld; then for each layer of a snapshot, nearest first, if it is the head of its branch."""


class Action(StrEnum):
    """What an operation does to its entity."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    RESTORE = "restore"


class FieldKind(StrEnum):
    """How a field is merged when both sides changed it."""

    SCALAR = "scalar"
    TEXT = "text"
    RICH_TEXT = "rich_text"
    SET = "set"
    MAP = "map"


@dataclass(frozen=True)
class Field:
    """One content column of a kind.

    Attributes:
        value_kind: For a MAP: tells from the three values of one key (base, ours, theirs) how to merge them.
    """

    name: str
    kind: FieldKind = FieldKind.SCALAR
    value_kind: Callable[[Any, Any, Any], FieldKind] | None = None


@dataclass(frozen=True)
class Kind:
    """Something versioned: its name, its table, its fields.

    Attributes:
        keyed: Whether each entity gets a human key such as ``BRK-42`` from the project's counter.
        position: Fields that say together where an entity stands: one side's position is taken, never a mixture.
        erased: Fields that a redaction empties: all that people wrote. What holds the project together stays.
    """

    name: str
    table: Table
    fields: tuple[Field, ...]
    keyed: bool = False
    position: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()

    @cached_property
    def field_names(self) -> tuple[str, ...]:
        """The names of the content columns, in their order."""
        return tuple(item.name for item in self.fields)

    @cached_property
    def maps(self) -> frozenset[str]:
        """The names of the fields that are merged key by key."""
        return frozenset(item.name for item in self.fields if item.kind is FieldKind.MAP)

    def content_of(self, row: Mapping[str, Any]) -> Content:
        """Return the content part of a *row* of the kind's table."""
        return {name: row[name] for name in self.field_names}


@dataclass(frozen=True)
class Operation:
    """One change of one entity.

    Attributes:
        fields: CREATE: the whole content; UPDATE: what changes (a MAP is patched key by key, None removes a key).
        key: CREATE of a keyed kind: keep this key rather than mint one.
        base_seq: The sequence that the author saw; overrides the request's.
        from_seq: RESTORE: the sequence whose state comes back, on whichever branch it was made.
    """

    action: Action
    kind: str
    entity_id: UUID
    fields: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None
    base_seq: int | None = None
    from_seq: int | None = None


@dataclass(frozen=True)
class CommitRequest:
    """Who commits what to where.

    Attributes:
        base_seq: The sequence that the author saw; None overwrites whatever is there.
        authored_at: What the author or an imported history says; None means now.
        details: JSON object kept with the commit and covered by its hash.
        as_owner: Whether the author may commit to a protected branch.
    """

    project_id: UUID
    author_id: UUID
    message: str = ""
    branch: str = MAIN
    kind: str = "edit"
    base_seq: int | None = None
    authored_at: datetime | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    as_owner: bool = False


@dataclass(frozen=True)
class Change:
    """What a commit did to one entity."""

    kind: str
    entity_id: UUID
    key: str | None
    action: Action


@dataclass(frozen=True)
class Level:
    """One layer of what is visible: a branch's own revisions as of one of its commits.

    Attributes:
        is_head: Whether that commit is the branch's newest, so that the hot partition alone holds all of the layer.
    """

    branch_id: UUID
    seq: int
    recorded_at: datetime
    is_head: bool


@dataclass(frozen=True)
class Snapshot:
    """What a read is made against: one sequence of one branch, with the commit that made it.

    Attributes:
        below: The layers that show through where the branch has no revision of its own, nearest first; none on main.
        redacted_seq: The project's newest redaction, 0 before the first: it changes what the past reads as.
        withheld: What is not there for the one who reads. Rules, merges and hashes read with nothing withheld.
    """

    project_id: UUID
    branch_id: UUID
    branch: str
    seq: int
    recorded_at: datetime
    commit_hash: bytes
    is_head: bool
    below: tuple[Level, ...] = ()
    redacted_seq: int = 0
    withheld: Withheld = NOTHING_WITHHELD

    @property
    def mark(self) -> bytes:
        """What stands for all that is read here, in keys of caches and in ETags."""
        if not self.redacted_seq:
            return self.commit_hash + self.withheld.mark
        return self.commit_hash + self.redacted_seq.to_bytes(8) + self.withheld.mark

    @property
    def levels(self) -> tuple[Level, ...]:
        """All layers, nearest first."""
        own = Level(self.branch_id, self.seq, self.recorded_at, self.is_head)
        return (own, *self.below)

    def shares_base(self, other: Snapshot) -> bool:
        """Return whether the same layers, as of the same commits, lie below both."""
        return [(level.branch_id, level.seq) for level in self.below] == [
            (level.branch_id, level.seq) for level in other.below
        ]

    @property
    def shape(self) -> Shape:
        """What a query built for this snapshot depends on besides its values: which layers are heads."""
        return (bool(self.withheld), self.is_head, *(level.is_head for level in self.below))


@dataclass(frozen=True)
class CommitResult:
    """What came of a commit.

    Attributes:
        seq: The new sequence, or the head's when nothing changed.
        merged: Whether changes of others since the base were merged in.
        changes: Empty for streamed commits, which give ``counts`` only.
        counts: Changed entities by kind.
        snapshot: What the commit made, or the head when nothing changed; the head while its transaction lasts.
    """

    seq: int
    hash: bytes
    recorded_at: datetime
    merged: bool
    changes: tuple[Change, ...]
    counts: Mapping[str, int]
    snapshot: Snapshot


@dataclass(frozen=True)
class State:
    """The visible state of an entity: its content, or that it is deleted.

    Attributes:
        redacted: Whether an owner removed for good what people had written: ``content`` is empty, and says nothing.
    """

    content: Content
    deleted: bool
    seq_from: int
    key: str | None = None
    redacted: bool = False


@dataclass
class PendingChange:
    """A change about to be written, as structural rules see it.

    Attributes:
        known: Whether the project has the entity already, if only on another branch, so that its identity is not made.
    """

    kind: str
    entity_id: UUID
    key: str | None
    before: State | None
    after: Content
    deleted: bool
    known: bool = False

    @property
    def action(self) -> Action:
        """What this change does, as seen from the state before."""
        if self.deleted:
            return Action.DELETE
        if self.before is None:
            return Action.CREATE
        return Action.RESTORE if self.before.deleted else Action.UPDATE


@dataclass(frozen=True)
class EntityChange:
    """The difference of one entity between two snapshots: ``added``, ``removed`` or ``changed``.

    Attributes:
        redacted_before: If the side before was redacted: the commit that had written it; ``redacted_after`` likewise.
    """

    kind: str
    entity_id: UUID
    key: str | None
    change: str
    before: Content | None
    after: Content | None
    redacted_before: int | None = None
    redacted_after: int | None = None

    @property
    def is_redacted(self) -> bool:
        """Whether a side was redacted, so that nothing can be told of what changed."""
        return self.redacted_before is not None or self.redacted_after is not None

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields that differ; all of them when the entity was added or removed."""
        if self.before is None or self.after is None:
            return tuple((self.before or self.after or {}).keys())
        return tuple(name for name in self.after if self.after[name] != self.before.get(name))


@dataclass(frozen=True)
class CommitRecord:
    """A commit as it is listed."""

    seq: int
    branch_id: UUID
    kind: str
    hash: bytes
    parents: tuple[bytes, ...]
    author_id: UUID
    message: str
    authored_at: datetime
    recorded_at: datetime
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """Something that verification found to disagree with what was sealed."""

    what: str
    detail: str
    kind: str | None = None
    entity_id: UUID | None = None
    seq: int | None = None


@dataclass(frozen=True)
class Redaction:
    """That the content of one revision was removed for good.

    Attributes:
        seq: The commit that had written the revision.
        content_hash: What is kept of the content.
        left: The digest of what redaction left in the revision, so that this cannot be changed unseen either.
        commit: The commit that records the redaction; its message is the reason.
    """

    kind: str
    entity_id: UUID
    seq: int
    content_hash: bytes
    left: bytes
    commit: CommitRecord


@dataclass(frozen=True)
class BranchState:
    """A branch as people see it.

    Attributes:
        base: What lies below it now; None for main.
        ahead: Commits on it that its parent does not have.
        behind: Commits of its parent that it does not have.
    """

    row: Row[Any]
    base: Level | None
    ahead: int
    behind: int


@dataclass(frozen=True)
class BaselineState:
    """A baseline with the branch that it lies on and the commit that made it."""

    row: Row[Any]
    branch: str
    made: CommitRecord
