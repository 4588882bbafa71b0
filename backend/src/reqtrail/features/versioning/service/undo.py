"""Undo as an inverse commit: the merge of the head with the state before, on the state after as base.

What others changed since stays; where they changed the very same thing there is a conflict and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import ProjectHead
from reqtrail.features.versioning.errors import ContentRedacted, NothingToUndo, RefNotFound
from reqtrail.features.versioning.registry import get_kind
from reqtrail.features.versioning.service.commit import commit
from reqtrail.features.versioning.service.history import commit_record, diff, log
from reqtrail.features.versioning.service.refs import snapshot_as_of, snapshot_of
from reqtrail.features.versioning.types import (
    MAIN,
    REDACTION,
    Action,
    CommitRecord,
    CommitRequest,
    CommitResult,
    EntityChange,
    FieldKind,
    Operation,
)

UNDO_DEPTH = 200
"""How many of an author's newest commits are considered for undo and redo."""

_UNDOABLE = {"edit", "restore", "revert", "redo"}


@dataclass(frozen=True)
class UndoState:
    """The commits that undo and redo would act on, if any."""

    undo: CommitRecord | None
    redo: CommitRecord | None


async def revert(
    session: AsyncSession,
    project_id: UUID,
    seq: int,
    author_id: UUID,
    *,
    kind: str = "revert",
    message: str | None = None,
    redoes: int | None = None,
    as_owner: bool = False,
) -> CommitResult:
    """Write the inverse of commit *seq* as a new commit on the same branch.

    The inverse of an update writes ordinary revisions: what lies below the branch stays where the update put it.

    Raises:
        RefNotFound: If there is no such commit, or nothing before it on its branch.
        EditConflict: If something that it changed was changed again since.
        ContentRedacted: If it is a redaction, or what it changed was redacted since.
    """
    if (await commit_record(session, project_id, seq)).kind == REDACTION:
        raise ContentRedacted("A redaction cannot be undone: what it removed is gone for good.")
    after = await snapshot_of(session, project_id, seq)
    try:
        before = await snapshot_as_of(session, after, seq - 1)
    except RefNotFound:
        raise RefNotFound("The first version of a branch cannot be undone.") from None
    changes = await diff(session, after, before)
    gone = next((change for change in changes if change.is_redacted), None)
    if gone is not None:
        raise ContentRedacted(
            f"Version {seq} cannot be undone: what it made of the"
            f" {gone.kind} {gone.key or gone.entity_id} was redacted since.",
            id=str(gone.entity_id),
        )
    operations = [_inverse(change, before.seq) for change in changes]
    details = {"reverts": seq} if redoes is None else {"reverts": seq, "redoes": redoes}
    request = CommitRequest(
        project_id,
        author_id,
        message=message or f"Undo of version {seq}",
        branch=after.branch,
        kind=kind,
        base_seq=seq,
        details=details,
        as_owner=as_owner,
    )
    return await commit(session, request, operations)


def _inverse(change: EntityChange, before_seq: int) -> Operation:
    """Return the operation that leads from the state after a commit (``change.before``) to that of the one before."""
    if change.after is None:
        return Operation(Action.DELETE, change.kind, change.entity_id)
    if change.before is None:
        return Operation(Action.RESTORE, change.kind, change.entity_id, from_seq=before_seq)
    fields = {}
    maps = {item.name for item in get_kind(change.kind).fields if item.kind is FieldKind.MAP}
    for name in change.fields:
        old, new = change.before[name], change.after[name]
        if name in maps and isinstance(old, dict) and isinstance(new, dict):
            removed = {key: None for key in old if key not in new}
            fields[name] = {**{k: v for k, v in new.items() if old.get(k) != v}, **removed}
        else:
            fields[name] = new
    return Operation(Action.UPDATE, change.kind, change.entity_id, fields)


async def undo_state(
    session: AsyncSession,
    project_id: UUID,
    author_id: UUID,
    skipped: Iterable[int] = (),
    *,
    branch: str = MAIN,
    head: ProjectHead | None = None,
) -> UndoState:
    """Return what undo and redo would act on for *author_id* on a branch: a stack read from the commits themselves."""
    dead: set[int] = set(skipped)
    undo: CommitRecord | None = None
    redo: CommitRecord | None = None
    redo_open = True
    records = await log(
        session,
        project_id,
        author_id=author_id,
        limit=UNDO_DEPTH,
        branch=branch,
        own=True,
        head=head,
    )
    for record in records:
        if record.seq in dead:
            continue
        if record.kind == "undo":
            dead.add(record.details["reverts"])
            redo = redo or (record if redo_open else None)
            continue
        if record.kind == "redo":
            dead.update((record.details["reverts"], record.details["redoes"]))
        else:
            redo_open = False
        if undo is None and record.kind in _UNDOABLE:
            undo = record
    return UndoState(undo, redo)


async def undo(
    session: AsyncSession,
    project_id: UUID,
    author_id: UUID,
    *,
    branch: str = MAIN,
    as_owner: bool = False,
) -> CommitResult:
    """Undo the author's newest commit on a branch that stands.

    Raises:
        NothingToUndo: If there is none.
    """
    without_effect: set[int] = set()
    while True:
        state = await undo_state(session, project_id, author_id, without_effect, branch=branch)
        target = state.undo
        if target is None:
            raise NothingToUndo("You have no change in this project that could be undone.")
        result = await revert(
            session,
            project_id,
            target.seq,
            author_id,
            kind="undo",
            message=_named("Undo", target),
            as_owner=as_owner,
        )
        if result.changes:
            return result
        # Somebody else took it back already: there is nothing left of it to undo, but of the one before it.
        without_effect.add(target.seq)


async def redo(
    session: AsyncSession,
    project_id: UUID,
    author_id: UUID,
    *,
    branch: str = MAIN,
    as_owner: bool = False,
) -> CommitResult:
    """Bring back what the author's newest undo took away.

    Raises:
        NothingToUndo: If there is none, or the author edited since.
    """
    target = (await undo_state(session, project_id, author_id, branch=branch)).redo
    if target is None:
        raise NothingToUndo("You have undone nothing in this project that could be done again.")
    return await revert(
        session,
        project_id,
        target.seq,
        author_id,
        kind="redo",
        # What is done again, not that its undoing is undone.
        message=f"Redo{target.message.removeprefix('Undo')}",
        redoes=target.details["reverts"],
        as_owner=as_owner,
    )


def _named(verb: str, target: CommitRecord) -> str:
    return f"{verb}: {target.message}" if target.message else f"{verb} of version {target.seq}"
