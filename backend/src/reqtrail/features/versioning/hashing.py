"""Hashes: of a revision's content (salted, so that redaction can drop content and keep the leaf) and of a commit."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from reqtrail.features.versioning.types import CommitRecord, Content
from reqtrail.kit.canonical_json import canonical_bytes, contains_nul

SALT_BYTES = 16
GENESIS = bytes(32)
"""The head hash of a branch that has no commit yet."""


def new_salt() -> bytes:
    """Return the random salt of a new revision."""
    return os.urandom(SALT_BYTES)


def content_hash(salt: bytes, kind: str, key: str | None, deleted: bool, content: Content) -> bytes:
    """Return SHA-256 over salt and the canonical form of a revision.

    Raises:
        TypeError: If the content holds what has no canonical form, or a text that PostgreSQL cannot store.
    """
    form = {"kind": kind, "key": key, "deleted": deleted, "content": content}
    written = canonical_bytes(form)
    # The walk costs time, so it is made only when the escape occurs at all.
    if b"\\u0000" in written and contains_nul(form):
        raise TypeError("a text with a NUL character")
    return hashlib.sha256(salt + written).digest()


class ChangesDigest:
    """SHA-256 over the sorted ``(kind, entity id, deleted, content hash)`` of what a commit wrote.

    Feed it kind by kind in the order of the kinds' names, each kind sorted by entity id.
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, kind: str, rows: Iterable[tuple[UUID, bool, bytes]]) -> None:
        """Add the rows ``(entity id, deleted, content hash)`` of *kind*, sorted by entity id."""
        name = kind.encode() + b"\0"
        for entity_id, deleted, digest in rows:
            self._digest.update(name + entity_id.bytes + (b"\1" if deleted else b"\0") + digest)

    def digest(self) -> bytes:
        """Return the digest of everything added."""
        return self._digest.digest()


def commit_hash(project_id: UUID, record: CommitRecord, changes: bytes) -> bytes:
    """Return the hash of a commit: over all its parents, its metadata and the digest of its *changes*."""
    form: dict[str, Any] = {
        "project": project_id,
        "seq": record.seq,
        "branch": record.branch_id,
        "kind": record.kind,
        "parents": list(record.parents),
        "author": record.author_id,
        "message": record.message,
        "authored_at": record.authored_at,
        "recorded_at": record.recorded_at,
        "details": dict(record.details),
        "changes": changes,
    }
    return hashlib.sha256(canonical_bytes(form)).digest()
