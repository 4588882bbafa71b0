"""Refs: what a read is made against.

``main`` · ``main@42`` · ``@42`` · ``42`` · ``2026-11-01`` · ``2026-11-01T10:00Z`` · ``main@2026-11-01``
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import ProjectHead
from reqtrail.features.versioning import repository
from reqtrail.features.versioning.errors import RefBeforeProject, RefInvalid, RefNotFound
from reqtrail.features.versioning.types import MAIN, CommitRecord, Snapshot

_SEQUENCE = re.compile(r"[0-9]{1,18}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATE_LIKE = re.compile(r"\d{4}-\d{2}-\d{2}.*")
_MAX_REF = 200


async def resolve_ref(
    session: AsyncSession, project_id: UUID, at: str | None, head: ProjectHead | None = None
) -> Snapshot:
    """Return the snapshot that the ref *at* names; None is the head of main.

    A day means its end: the state in which people left it. A moment without a zone is UTC.

    Args:
        head: The head of main, if the same transaction has read it already.

    Raises:
        RefInvalid: If the ref cannot be read.
        RefNotFound: If the branch does not exist or has no such sequence.
        RefBeforeProject: If the date lies before the project's first commit.
    """
    name, point = _split((at or "").strip())
    if head is not None and name == MAIN:
        newest = Snapshot(
            project_id, head.branch_id, MAIN, head.seq, head.recorded_at, head.commit_hash, True
        )
    else:
        newest = await _newest(session, project_id, name, at)
    if not point:
        if not newest.seq:
            raise RefNotFound(f"{name} has no version yet.", ref=at)
        return newest
    if _SEQUENCE.fullmatch(point):
        return await _at_sequence(session, newest, int(point), at)
    record = await repository.load_commit_at(session, project_id, newest.branch_id, _moment(point))
    if record is None:
        raise RefBeforeProject(f"The project had no commit by {point} yet.", ref=at)
    return _snapshot(newest, record)


async def _newest(
    session: AsyncSession, project_id: UUID, name: str, at: str | None = None
) -> Snapshot:
    branch = await repository.load_branch(session, project_id, name)
    if branch is None:
        raise RefNotFound(f"There is no branch “{name}”.", ref=at)
    return head_snapshot(project_id, branch)


async def _at_sequence(
    session: AsyncSession, newest: Snapshot, seq: int, at: str | None
) -> Snapshot:
    if seq == newest.seq and seq:
        return newest
    found = (
        await repository.load_commit(session, newest.project_id, seq) if seq < newest.seq else None
    )
    if found is None or found.branch_id != newest.branch_id:
        raise RefNotFound(
            f"{newest.branch} has no version {seq}; its newest is {newest.seq}.", ref=at
        )
    return _snapshot(newest, found)


def head_snapshot(project_id: UUID, branch: Row[Any]) -> Snapshot:
    """Return the snapshot of the head of a *branch* row; its sequence is 0 before the first commit."""
    return Snapshot(
        project_id=project_id,
        branch_id=branch.branch_id,
        branch=branch.name,
        seq=branch.head_seq,
        recorded_at=branch.head_recorded_at,
        commit_hash=branch.head_hash,
        is_head=True,
    )


async def snapshot_of(session: AsyncSession, project_id: UUID, seq: int) -> Snapshot:
    """Return the snapshot of main at *seq*.

    Raises:
        RefNotFound: If there is no such sequence.
    """
    return await resolve_ref(session, project_id, f"{MAIN}@{seq}")


def _split(ref: str) -> tuple[str, str]:
    if len(ref) > _MAX_REF:
        raise RefInvalid(f"A version name has at most {_MAX_REF} characters.")
    if not ref:
        return MAIN, ""
    if "@" in ref:
        name, _, point = ref.partition("@")
        if not point:
            raise RefInvalid("After “@” a sequence number or a date must follow.", ref=ref)
        return name or MAIN, point
    if _SEQUENCE.fullmatch(ref) or _DATE_LIKE.fullmatch(ref):
        return MAIN, ref
    return ref, ""


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


def _snapshot(newest: Snapshot, record: CommitRecord) -> Snapshot:
    return Snapshot(
        project_id=newest.project_id,
        branch_id=record.branch_id,
        branch=newest.branch,
        seq=record.seq,
        recorded_at=record.recorded_at,
        commit_hash=record.hash,
        is_head=record.seq == newest.seq,
    )
