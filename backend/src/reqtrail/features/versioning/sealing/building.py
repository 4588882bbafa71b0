"""Making a seal: every bucket from what is visible, or only those that changed since an earlier seal."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning import repository as engine
from reqtrail.features.versioning.registry import all_kinds, get_kind
from reqtrail.features.versioning.sealing import repository
from reqtrail.features.versioning.sealing.errors import SealBroken
from reqtrail.features.versioning.sealing.forms import (
    BUCKETS,
    bucket_of,
    bucket_root,
    packed,
    split_roots,
    unpacked,
)
from reqtrail.features.versioning.sealing.types import Seal
from reqtrail.features.versioning.service.refs import snapshot_at
from reqtrail.features.versioning.types import Kind, Snapshot
from reqtrail.kit.merkle import EMPTY

INCREMENTAL_SHARE: Final = 8
"""An earlier seal is built upon if at most one in so many of its entities was touched: looking one entity up costs as
much as hashing several of a scan."""

_TOGETHER: Final = 256
"""Buckets of an earlier seal that are brought up to date with one query a kind."""


@dataclass(frozen=True)
class Bucket:
    """One bucket of a seal being made.

    Attributes:
        members: None if the bucket was not hashed anew, since it is that of an earlier seal or empty.
    """

    number: int
    root: bytes
    members: bytes | None


@dataclass(frozen=True)
class Touched:
    """Entities that may differ since an earlier seal: of which kinds, and in which buckets."""

    base: Seal
    by_bucket: dict[int, list[tuple[Kind, UUID]]]


async def build(session: AsyncSession, snapshot: Snapshot, first: int) -> AsyncIterator[Bucket]:
    """Yield the buckets of *snapshot* from number *first* on, all of them, by rising number."""
    touched = await _touched(session, snapshot)
    if touched is None:
        async for bucket in from_scratch(session, snapshot, first):
            yield bucket
    else:
        async for bucket in _from_base(session, snapshot, touched, first):
            yield bucket


async def from_scratch(
    session: AsyncSession, snapshot: Snapshot, first: int
) -> AsyncIterator[Bucket]:
    """Yield the same as :func:`build`, from what is visible alone: without what an earlier seal left."""
    following = first
    async for number, members in repository.stream_members(session, all_kinds(), snapshot, first):
        for empty in range(following, number):
            yield Bucket(empty, EMPTY, None)
        yield Bucket(number, bucket_root(members), members)
        following = number + 1
    for empty in range(following, BUCKETS):
        yield Bucket(empty, EMPTY, None)


async def _from_base(
    session: AsyncSession, snapshot: Snapshot, touched: Touched, first: int
) -> AsyncIterator[Bucket]:
    roots = split_roots(await repository.load_roots(session, touched.base))
    for start in range(first, BUCKETS, _TOGETHER):
        numbers = range(start, min(start + _TOGETHER, BUCKETS))
        before = {number: roots[number] for number in numbers if number in touched.by_bucket}
        after = await _changed(session, snapshot, touched, before) if before else {}
        for number in numbers:
            members = after.get(number)
            root = roots[number] if members is None else bucket_root(members)
            yield Bucket(number, root, members)


async def _changed(
    session: AsyncSession, snapshot: Snapshot, touched: Touched, before: Mapping[int, bytes]
) -> dict[int, bytes]:
    """Return the members of the buckets that had the roots *before*, with what is visible now of those touched."""
    known = await repository.load_buckets(session, snapshot.project_id, before.values())
    leaves: dict[int, dict[bytes, bytes]] = {}
    by_kind: dict[str, list[UUID]] = {}
    for number, root in before.items():
        members = known.get(root, b"")
        if bucket_root(members) != root:
            raise SealBroken(
                f"Bucket {number} of the seal of version {touched.base.seq} is not what it was."
            )
        leaves[number] = unpacked(members)
        for kind, entity_id in touched.by_bucket[number]:
            leaves[number].pop(entity_id.bytes, None)
            by_kind.setdefault(kind.name, []).append(entity_id)
    for name, ids in by_kind.items():
        found = await repository.visible_leaves(session, get_kind(name), snapshot, ids)
        for identity, leaf in found.items():
            leaves[bucket_of(UUID(bytes=identity))][identity] = leaf
    return {number: packed(bucket) for number, bucket in leaves.items()}


async def _touched(session: AsyncSession, snapshot: Snapshot) -> Touched | None:
    """Return what may differ since the nearest earlier seal; None if there is none, or too much differs."""
    base = await repository.nearest(session, snapshot)
    if base is None:
        return None
    earlier = await snapshot_at(session, snapshot.project_id, base.branch_id, base.seq)
    most = (base.leaf_count or 0) // INCREMENTAL_SHARE
    by_bucket: dict[int, list[tuple[Kind, UUID]]] = {}
    for kind in all_kinds():
        ids = await engine.differing_ids(session, kind, earlier, snapshot)
        most -= len(ids)
        if most < 0:
            return None
        for entity_id in ids:
            by_bucket.setdefault(bucket_of(entity_id), []).append((kind, entity_id))
    return Touched(base, by_bucket)


async def changes_digest(session: AsyncSession, snapshot: Snapshot) -> bytes:
    """Return the digest of what the commit of *snapshot* wrote, which its hash covers."""
    digest = hashlib.sha256()
    for kind in all_kinds():
        parts = repository.stream_changes(
            session, kind, snapshot.project_id, snapshot.branch_id, snapshot.seq
        )
        async for part in parts:
            digest.update(part)
    return digest.digest()
