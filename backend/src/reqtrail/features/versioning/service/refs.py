"""Refs: what a read is made against.

``main`` · ``main@42`` · ``@42`` · ``42`` · ``2026-11-01`` · ``2026-11-01T10:00Z`` · ``main@2026-11-01`` · a baseline

A bare number is that commit, on whichever branch it was made. ``branch@42`` is the branch as commit 42 of the project
left it, whoever made that commit.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import ProjectHead, withheld_in
from reqtrail.features.versioning import repository
from reqtrail.features.versioning.errors import RefBeforeProject, RefInvalid, RefNotFound
from reqtrail.features.versioning.types import MAIN, CommitRecord, Level, Snapshot

_SEQUENCE = re.compile(r"[0-9]{1,18}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATE_LIKE = re.compile(r"\d{4}-\d{2}-\d{2}.*")
_MAX_REF = 200


async def resolve_ref(
    session: AsyncSession, project_id: UUID, at: str | None, head: ProjectHead | None = None
) -> Snapshot:
    """Return the snapshot that the ref *at* names, as the session may read it; None is the head of main.

    A day means its end: the state in which people left it. A moment without a zone is UTC.

    Args:
        head: The head of main, if the same transaction has read it already.

    Raises:
        RefInvalid: If the ref cannot be read.
        RefNotFound: If the branch or baseline does not exist, or the branch had no such sequence in its life.
        RefBeforeProject: If the date lies before the project's first commit.
    """
    return as_seen(session, await whole_snapshot(session, project_id, at, head))


def as_seen(session: AsyncSession, snapshot: Snapshot) -> Snapshot:
    """Return *snapshot* without what *session* withholds."""
    withheld = withheld_in(session)
    return replace(snapshot, withheld=withheld) if withheld else snapshot


async def whole_snapshot(
    session: AsyncSession, project_id: UUID, at: str | None, head: ProjectHead | None = None
) -> Snapshot:
    """Return what :func:`resolve_ref` does with nothing withheld: for writing, never for showing."""
    name, point = _split((at or "").strip())
    if not name:
        return await snapshot_of(session, project_id, int(point), head)
    if head is not None and name == MAIN:
        newest = _main_head(project_id, head)
    else:
        found = await _named(session, project_id, name, at)
        if found.baseline_id is not None:
            return await _at_baseline(session, project_id, found.baseline_id, point, at)
        newest = found.newest
    if not point:
        if not newest.seq:
            raise RefNotFound(f"{name} has no version yet.", ref=at)
        return newest
    if _SEQUENCE.fullmatch(point):
        return await _as_of(session, newest, int(point), at)
    record = await repository.load_commit_at(session, project_id, newest.branch_id, _moment(point))
    if record is None:
        owner = "project" if newest.branch == MAIN else f"branch “{newest.branch}”"
        raise RefBeforeProject(f"The {owner} had no commit by {point} yet.", ref=at)
    return await _snapshot(session, newest, record)


async def snapshot_of(
    session: AsyncSession, project_id: UUID, seq: int, head: ProjectHead | None = None
) -> Snapshot:
    """Return the snapshot that commit *seq* made, on the branch that it was made on.

    Raises:
        RefNotFound: If there is no such commit.
    """
    if head is not None and seq == head.seq:
        return _main_head(project_id, head)
    record = await repository.load_commit(session, project_id, seq) if seq else None
    if record is None:
        newest = await repository.last_sequence(session, project_id)
        raise RefNotFound(
            f"The project has no version {seq}; its newest is {newest}.", ref=str(seq)
        )
    if head is not None and record.branch_id == head.branch_id:
        return await _snapshot(session, _main_head(project_id, head), record)
    branch = await repository.load_branch_by_id(session, project_id, record.branch_id)
    assert branch is not None, "a commit stands on a branch"
    return await _snapshot(session, await head_snapshot(session, project_id, branch), record)


async def snapshot_as_of(session: AsyncSession, newest: Snapshot, seq: int) -> Snapshot:
    """Return the snapshot of a branch, whose head is *newest*, as commit *seq* of the project left it.

    Raises:
        RefNotFound: If the branch did not exist by then, or there is no such commit.
    """
    return await _as_of(session, newest, seq, f"{newest.branch}@{seq}")


async def head_snapshot(session: AsyncSession, project_id: UUID, branch: Row[Any]) -> Snapshot:
    """Return the snapshot of the head of a *branch* row; its sequence is 0 before the first commit."""
    return Snapshot(
        project_id=project_id,
        branch_id=branch.branch_id,
        branch=branch.name,
        seq=branch.head_seq,
        recorded_at=branch.head_recorded_at,
        commit_hash=branch.head_hash,
        is_head=True,
        below=await _below(session, project_id, branch, branch.head_seq),
        redacted_seq=branch.redacted_seq,
    )


async def snapshot_at(
    session: AsyncSession, project_id: UUID, branch_id: UUID, seq: int
) -> Snapshot:
    """Return the snapshot of a branch as of its own commit *seq*."""
    branch = await repository.load_branch_by_id(session, project_id, branch_id)
    record = await repository.load_commit(session, project_id, seq)
    assert branch is not None and record is not None, "the caller has it from a commit"
    return await _snapshot(session, await head_snapshot(session, project_id, branch), record)


class _Named:
    """What has a name: the head of a branch, or a baseline."""

    def __init__(self, newest: Snapshot, baseline_id: UUID | None) -> None:
        self.newest = newest
        self.baseline_id = baseline_id


async def _named(session: AsyncSession, project_id: UUID, name: str, at: str | None) -> _Named:
    branch = await repository.load_branch(session, project_id, name)
    baseline_id = None
    if branch is None:
        entry = await repository.load_ref_name(session, project_id, name)
        if entry is None:
            raise RefNotFound(f"There is no branch or baseline “{name}”.", ref=at)
        branch = await repository.load_branch_by_id(session, project_id, entry.branch_id)
        baseline_id = entry.baseline_id
    assert branch is not None, "a name belongs to a branch"
    return _Named(await head_snapshot(session, project_id, branch), baseline_id)


async def _at_baseline(
    session: AsyncSession, project_id: UUID, baseline_id: UUID, point: str, at: str | None
) -> Snapshot:
    if point:
        raise RefInvalid("A baseline stands still: nothing can follow its name.", ref=at)
    (baseline,) = await repository.load_baselines(session, project_id, baseline_id)
    return await snapshot_at(session, project_id, baseline.branch_id, baseline.seq)


def _main_head(project_id: UUID, head: ProjectHead) -> Snapshot:
    return Snapshot(
        project_id,
        head.branch_id,
        MAIN,
        head.seq,
        head.recorded_at,
        head.commit_hash,
        is_head=True,
        redacted_seq=head.redacted_seq,
    )


async def _as_of(session: AsyncSession, newest: Snapshot, seq: int, at: str | None) -> Snapshot:
    if seq == newest.seq and seq:
        return newest
    project_id = newest.project_id
    if seq > newest.seq:
        last = await repository.last_sequence(session, project_id)
        if seq <= last:
            return newest
        raise RefNotFound(
            f"{newest.branch} has no version {seq}; the project's newest is {last}.", ref=at
        )
    record = await repository.load_commit_as_of(session, project_id, newest.branch_id, seq)
    if record is None:
        raise RefNotFound(f"{newest.branch} did not exist at version {seq} yet.", ref=at)
    return await _snapshot(session, newest, record)


async def _below(
    session: AsyncSession, project_id: UUID, branch: Row[Any], seq: int
) -> tuple[Level, ...]:
    if branch.parent_id is None:
        return ()
    return await repository.levels_below(session, project_id, branch.branch_id, seq)


def _split(ref: str) -> tuple[str, str]:
    """Return the name and what follows it; a bare number has no name."""
    if len(ref) > _MAX_REF:
        raise RefInvalid(f"A version name has at most {_MAX_REF} characters.")
    if not ref:
        return MAIN, ""
    if "@" in ref:
        name, _, point = ref.partition("@")
        if not point:
            raise RefInvalid("After “@” a sequence number or a date must follow.", ref=ref)
        if not name and not _SEQUENCE.fullmatch(point):
            name = MAIN
        return name, point
    if _SEQUENCE.fullmatch(ref):
        return "", ref
    if _DATE_LIKE.fullmatch(ref):
        return MAIN, ref
    return ref, ""


def reads_as_point(name: str) -> bool:
    """Return whether *name* would be read as a sequence number or a date."""
    return bool(_SEQUENCE.fullmatch(name) or _DATE_LIKE.fullmatch(name))


def _moment(point: str) -> datetime:
    try:
        moment = datetime.fromisoformat(point)
    except ValueError:
        raise RefInvalid(
            f"“{point}” is neither a sequence number nor a date such as 2026-11-01 or"
            " 2026-11-01T10:00Z."
        ) from None
    if _DAY.fullmatch(point):
        moment = datetime.combine(moment.date(), time.max)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def _snapshot(session: AsyncSession, newest: Snapshot, record: CommitRecord) -> Snapshot:
    """Return the snapshot of a commit on the branch whose head is *newest*."""
    if record.seq == newest.seq:
        return newest
    below = newest.below
    if below:
        below = await repository.levels_below(
            session, newest.project_id, newest.branch_id, record.seq
        )
    return Snapshot(
        project_id=newest.project_id,
        branch_id=record.branch_id,
        branch=newest.branch,
        seq=record.seq,
        recorded_at=record.recorded_at,
        commit_hash=record.hash,
        is_head=False,
        below=below,
        redacted_seq=newest.redacted_seq,
    )
