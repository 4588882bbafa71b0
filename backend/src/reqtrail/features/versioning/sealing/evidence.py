"""What stands behind a seal, read from the history and compared with the seal: no proof is given of what disagrees."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning import repository as engine
from reqtrail.features.versioning.hashing import ChangesDigest
from reqtrail.features.versioning.registry import get_kind
from reqtrail.features.versioning.sealing import repository
from reqtrail.features.versioning.sealing.errors import SealBroken
from reqtrail.features.versioning.sealing.forms import (
    bucket_root,
    commit_form,
    leaf_of,
    revision_form,
)
from reqtrail.features.versioning.sealing.types import Entry, Facts, Seal, SealedCommit
from reqtrail.features.versioning.types import CommitRecord, Kind, Snapshot
from reqtrail.kit.merkle import EMPTY


async def facts_of(session: AsyncSession, seal: Seal) -> Facts:
    """Return what is known of a finished seal as a whole: its commit, and the commits that gave it a name.

    Raises:
        SealBroken: If a commit is not what its hash says.
    """
    made = sorted(
        row.made_seq
        for row in await engine.load_baselines(session, seal.project_id)
        if (row.branch_id, row.seq) == (seal.branch_id, seal.seq)
    )
    records = await engine.load_commits(session, seal.project_id, [seal.seq, *made])
    assert seal.root and seal.tree and seal.changes and seal.leaf_count is not None
    commit = _sealed_commit(seal.project_id, records.get(seal.seq), seal.changes)
    if commit.hash != seal.commit_hash:
        raise SealBroken(f"Version {seal.seq} is not the commit that was sealed.")
    nothing = ChangesDigest().digest()
    names = (_sealed_commit(seal.project_id, records.get(seq), nothing) for seq in made)
    return Facts(seal.root, seal.tree, seal.leaf_count, commit, tuple(names))


def _sealed_commit(project_id: UUID, record: CommitRecord | None, changes: bytes) -> SealedCommit:
    if record is None:
        raise SealBroken("A commit that the seal needs is missing.")
    form = commit_form(project_id, record, changes)
    if hashlib.sha256(form).digest() != record.hash:
        raise SealBroken(f"Version {record.seq} is not what its hash says.")
    return SealedCommit(record.hash, form)


async def members_of(
    session: AsyncSession, seal: Seal, roots: Iterable[bytes]
) -> dict[bytes, bytes]:
    """Return the members of buckets by their roots.

    Raises:
        SealBroken: If a bucket is missing or does not have its root.
    """
    wanted = set(roots) - {EMPTY}
    found = await repository.load_buckets(session, seal.project_id, wanted)
    for root in wanted:
        if bucket_root(found.get(root, b"")) != root:
            raise SealBroken(f"The bucket {root.hex()} of version {seal.seq} is not what it was.")
    return found


async def entries_of(
    session: AsyncSession, snapshot: Snapshot, leaves: Mapping[UUID, bytes]
) -> dict[UUID, Entry]:
    """Return the visible contents of sealed entities, given with their leaves; their paths are still empty.

    Raises:
        SealBroken: If one is not there, or is not what was sealed.
    """
    known = await engine.load_entities(session, snapshot.project_id, leaves)
    by_kind: dict[str, list[UUID]] = {}
    for entity_id, (name, _) in known.items():
        by_kind.setdefault(name, []).append(entity_id)
    entries = {}
    for name, ids in by_kind.items():
        kind = get_kind(name)
        rows = await repository.visible_rows(session, kind, snapshot, ids)
        await _check_redacted(session, snapshot, kind, rows)
        for row in rows:
            entry = _entry(kind, known[row["entity_id"]][1], row)
            if leaf_of(name, entry.entity_id, entry.content_hash) == leaves[entry.entity_id]:
                entries[entry.entity_id] = entry
    for entity_id in leaves:
        if entity_id not in entries:
            raise SealBroken(f"The entity {entity_id} is not what was sealed: verify the project.")
    return entries


async def _check_redacted(
    session: AsyncSession, snapshot: Snapshot, kind: Kind, rows: Iterable[Mapping[str, Any]]
) -> None:
    """Refuse rows whose content is missing though no commit says that it was redacted."""
    missing = {(row["entity_id"], row["seq_from"]) for row in rows if row["salt"] is None}
    if not missing:
        return
    redactions = await engine.load_redactions(session, snapshot.project_id)
    unsaid = missing - {(item.entity_id, item.seq) for item in redactions}
    if unsaid:
        entity_id, seq = min(unsaid, key=lambda place: place[1])
        raise SealBroken(
            f"The content of the {kind.name} {entity_id} at version {seq} is missing, but no"
            " redaction took it away: verify the project."
        )


def _entry(kind: Kind, key: str | None, row: Mapping[str, Any]) -> Entry:
    salt, content_hash = row["salt"], row["content_hash"]
    form = None
    if salt is not None:
        form = revision_form(kind.name, key, kind.content_of(row))
        if hashlib.sha256(salt + form).digest() != content_hash:
            raise SealBroken(
                f"The content of the {kind.name} {key or row['entity_id']} does not match its hash:"
                " verify the project."
            )
    return Entry(kind.name, row["entity_id"], content_hash, salt, form, ())
