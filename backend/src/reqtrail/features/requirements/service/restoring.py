"""Restores: a document, a part of one or an item as it was at any version, as a new commit upon the head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.requirements.errors import NothingToRestore
from reqtrail.features.requirements.service.restore_plan import Scope, named, plan_restore
from reqtrail.features.requirements.service.schema import carry_schema
from reqtrail.features.versioning.public import (
    CommitRequest,
    CommitResult,
    Snapshot,
    commit,
    open_commit,
    rehearse,
    shown_rehearsal,
    writable_head,
)


@dataclass(frozen=True)
class Rehearsal:
    """What a restore would do.

    Attributes:
        changes: What would differ, in the form that leaves by API.
        merged: Whether changes of others since the base would be merged in.
    """

    head: Snapshot
    message: str
    changes: Sequence[dict[str, Any]]
    merged: bool


async def restore(
    session: AsyncSession, request: CommitRequest, source: Snapshot, scope: Scope
) -> CommitResult:
    """Write *scope* as it was at *source*, with what it needs, as one commit; later additions stay.

    What others changed since the request's base is merged, as in an edit. A request without a message gets one.

    Raises:
        NotInVersion: If there is no such thing at *source*.
        NothingToRestore: If it reads like that already.
        EditConflict: If others changed the same thing since the base.
        RefNotFound, BranchClosed, BranchProtected: If nothing may be written there.
    """
    opened = await open_commit(
        session, request.project_id, request.branch, as_owner=request.as_owner
    )
    name, operations = await plan_restore(session, opened.head, source, scope)
    details = {"restores": {"seq": source.seq, scope.kind: str(scope.entity_id)}}
    request = replace(request, message=request.message or _message(name, source), details=details)
    result = await commit(session, request, operations, opened=opened)
    if not result.changes:
        raise _nothing(name, source)
    carry_schema(opened.head, result)
    return result


async def rehearse_restore(
    session: AsyncSession, request: CommitRequest, source: Snapshot, scope: Scope
) -> Rehearsal:
    """Say what :func:`restore` would change. Nothing is written.

    Raises:
        ReqtrailError: What the restore would be refused with.
    """
    head = await writable_head(session, request)
    name, operations = await plan_restore(session, head, source, scope)
    changes, merged = await rehearse(session, request, head, operations)
    if not changes:
        raise _nothing(name, source)
    shown = await shown_rehearsal(session, head, source, changes)
    return Rehearsal(head, request.message or _message(name, source), shown, merged)


def _message(name: str, source: Snapshot) -> str:
    return f"Restored {name} from {source.branch}@{source.seq}"


def _nothing(name: str, source: Snapshot) -> NothingToRestore:
    return NothingToRestore(f"{_capital(name)} reads as at {named(source)} already.")


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
