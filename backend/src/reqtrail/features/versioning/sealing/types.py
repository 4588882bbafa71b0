"""The words of sealing: a seal and how far it is, and the proof that one entity is under it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from reqtrail.kit.merkle import Step


class SealState(StrEnum):
    """How far a seal is."""

    PENDING = "pending"
    SEALING = "sealing"
    SEALED = "sealed"
    FAILED = "failed"


@dataclass(frozen=True)
class Seal:
    """A seal of what is visible after commit ``seq`` of a branch.

    Attributes:
        next_bucket: Buckets below it are done: the progress.
        rehashed: Buckets that were hashed anew; the others are those of an earlier seal.
        root: The sealed root, which covers the commit's hash, the number of leaves and the tree; None until sealed.
        tree: The root of the Merkle tree alone.
        changes: The digest of what the sealed commit wrote, which its hash covers.
        error: Why it failed, as a sentence.
        attempts: How often it was taken up; whoever holds the newest lease knows the number.
    """

    project_id: UUID
    branch_id: UUID
    seq: int
    commit_hash: bytes
    state: SealState
    next_bucket: int
    rehashed: int
    leaf_count: int | None
    root: bytes | None
    tree: bytes | None
    changes: bytes | None
    error: str | None
    attempts: int
    requested_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class SealedCommit:
    """A commit with the canonical form that its hash is made of."""

    hash: bytes
    form: bytes

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in an exported file."""
        return {"hash": self.hash.hex(), "form": self.form.decode()}


@dataclass(frozen=True)
class Facts:
    """What is known of a seal as a whole: the head of an exported file.

    Attributes:
        baselines: The commits that gave this state a name.
    """

    root: bytes
    tree: bytes
    leaf_count: int
    commit: SealedCommit
    baselines: tuple[SealedCommit, ...]


@dataclass(frozen=True)
class Entry:
    """One entity under a seal, with the steps from its leaf to the root of its bucket.

    Attributes:
        salt: None if the content was redacted: then only the leaf is left.
        form: The canonical form of kind, key, content and that it is not deleted; None if redacted.
    """

    kind: str
    entity_id: UUID
    content_hash: bytes
    salt: bytes | None
    form: bytes | None
    path: tuple[Step, ...]

    @property
    def redacted(self) -> bool:
        """Whether the content was removed for good."""
        return self.form is None

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in an exported file."""
        return {
            "kind": self.kind,
            "id": str(self.entity_id),
            "content_hash": self.content_hash.hex(),
            "salt": None if self.salt is None else self.salt.hex(),
            "form": None if self.form is None else self.form.decode(),
            "path": steps_as_json(self.path),
        }


@dataclass(frozen=True)
class Proof:
    """The proof that one entity was visible, with this content, at what was sealed.

    Attributes:
        bucket_path: The steps from the bucket's root to the root of the tree.
    """

    facts: Facts
    bucket: int
    bucket_root: bytes
    bucket_path: tuple[Step, ...]
    entry: Entry


def steps_as_json(steps: tuple[Step, ...]) -> list[dict[str, str]]:
    """Return steps as they stand in an exported file, the one nearest to the leaf first."""
    return [{"left" if step.is_left else "right": step.sibling.hex()} for step in steps]
