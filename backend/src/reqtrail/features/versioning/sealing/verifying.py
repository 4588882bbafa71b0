"""Verification of seals: each is made anew from the history, and the first thing that disagrees is named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning import repository as engine
from reqtrail.features.versioning.hashing import commit_hash
from reqtrail.features.versioning.sealing import repository
from reqtrail.features.versioning.sealing.building import Bucket, changes_digest, from_scratch
from reqtrail.features.versioning.sealing.forms import (
    BUCKETS,
    MEMBER_BYTES,
    bucket_root,
    sealed_root,
    split_roots,
    tree_root,
    unpacked,
)
from reqtrail.features.versioning.sealing.types import Seal
from reqtrail.features.versioning.service.refs import snapshot_at
from reqtrail.features.versioning.types import Problem
from reqtrail.kit.merkle import EMPTY

_BUCKETS_TOGETHER = 256


async def verify_seals(session: AsyncSession, project_id: UUID) -> AsyncIterator[Problem]:
    """Yield, for each finished seal in the order of the history, the first thing that disagrees with it.

    A seal is recomputed whole from the revisions, without what earlier seals left behind; that is compared too, since
    later seals and proofs are made of it. Redaction keeps a revision's hash, so it changes nothing here.
    """
    names: dict[tuple[UUID, int], list[str]] = {}
    for row in await engine.load_baselines(session, project_id):
        names.setdefault((row.branch_id, row.seq), []).append(f"“{row.name}”")
    sound: set[bytes] = {EMPTY}
    for seal in await repository.load_seals(session, project_id):
        called = ", ".join(sorted(names.get((seal.branch_id, seal.seq), [])))
        whose = f"version {seal.seq}" + (f" (baseline {called})" if called else "")
        problem = await _first_problem(session, seal, whose, sound)
        if problem is not None:
            yield problem


async def _first_problem(
    session: AsyncSession, seal: Seal, whose: str, sound: set[bytes]
) -> Problem | None:
    def problem(detail: str) -> Problem:
        return Problem("seal", detail, seq=seal.seq)

    branch = await engine.load_branch_by_id(session, seal.project_id, seal.branch_id)
    record = await engine.load_commit(session, seal.project_id, seal.seq)
    if branch is None or record is None or record.branch_id != seal.branch_id:
        return problem(f"The commit of the seal of {whose} is missing.")
    snapshot = await snapshot_at(session, seal.project_id, seal.branch_id, seal.seq)
    roots = split_roots(await repository.load_roots(session, seal))
    if len(roots) != BUCKETS:
        return problem(f"The seal of {whose} lacks buckets.")
    broken = await _unsound_bucket(session, seal, roots, sound)
    if broken is not None:
        return problem(f"Bucket {broken} of the seal of {whose} is not stored as it was sealed.")
    differing: Bucket | None = None
    count = 0
    async for bucket in from_scratch(session, snapshot, 0):
        count += len(bucket.members or b"") // MEMBER_BYTES
        if differing is None and bucket.root != roots[bucket.number]:
            differing = bucket
    if differing is not None:
        return await _difference(session, seal, whose, differing, roots[differing.number])
    changes = await changes_digest(session, snapshot)
    if not seal.commit_hash == record.hash == commit_hash(seal.project_id, record, changes):
        return problem(f"The commit of the seal of {whose} is not the one that was sealed.")
    tree = tree_root(roots)
    made = (count, tree, sealed_root(seal.commit_hash, count, tree), changes)
    if (seal.leaf_count, seal.tree, seal.root, seal.changes) != made:
        return problem(f"The root of the seal of {whose} is not that of its {count} entities.")
    return None


async def _unsound_bucket(
    session: AsyncSession, seal: Seal, roots: list[bytes], sound: set[bytes]
) -> int | None:
    """Return the first bucket whose stored leaves do not have its root; *sound* ones were looked at before."""
    numbers = [number for number, root in enumerate(roots) if root not in sound]
    for start in range(0, len(numbers), _BUCKETS_TOGETHER):
        some = numbers[start : start + _BUCKETS_TOGETHER]
        wanted = [roots[number] for number in some]
        found = await repository.load_buckets(session, seal.project_id, wanted)
        for number in some:
            if bucket_root(found.get(roots[number], b"")) != roots[number]:
                return number
            sound.add(roots[number])
    return None


async def _difference(
    session: AsyncSession, seal: Seal, whose: str, bucket: Bucket, root: bytes
) -> Problem:
    """Name the first entity of a bucket that is not what was sealed."""
    stored = await repository.load_buckets(session, seal.project_id, [root])
    before, now = unpacked(stored.get(root, b"")), unpacked(bucket.members or b"")
    first = min(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    entity_id = UUID(bytes=first)
    known = await engine.load_entities(session, seal.project_id, [entity_id])
    kind, key = known.get(entity_id, (None, None))
    if first not in now:
        what = "is no longer visible"
    elif first not in before:
        what = "was not there"
    else:
        what = "is not what was sealed"
    detail = f"Bucket {bucket.number} of the seal of {whose}: the {kind} {key or entity_id} {what}."
    return Problem("seal", detail, kind, entity_id, seal.seq)
