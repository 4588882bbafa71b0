"""What a commit would change, without the lock and without a write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning import repository
from reqtrail.features.versioning.errors import RefNotFound
from reqtrail.features.versioning.service.changes import check_base, stage
from reqtrail.features.versioning.service.comparing import shown_changes
from reqtrail.features.versioning.service.refs import head_snapshot
from reqtrail.features.versioning.service.rules import check_rules
from reqtrail.features.versioning.service.writer import check_writable
from reqtrail.features.versioning.types import (
    CommitRequest,
    EntityChange,
    Operation,
    PendingChange,
    Snapshot,
)


async def writable_head(session: AsyncSession, request: CommitRequest) -> Snapshot:
    """Return the head that a commit would be made upon.

    Raises:
        RefNotFound: If there is no such branch.
        BranchClosed, BranchProtected: If nothing, or only an owner, may be written to it.
        BaseInvalid: If the version that the author saw does not exist.
    """
    row = await repository.load_branch(session, request.project_id, request.branch)
    if row is None:
        raise RefNotFound(f"There is no branch “{request.branch}” in this project.")
    check_writable(row, as_owner=request.as_owner)
    head = await head_snapshot(session, request.project_id, row)
    check_base(request.base_seq, head)
    return head


async def rehearse(
    session: AsyncSession, request: CommitRequest, head: Snapshot, operations: Sequence[Operation]
) -> tuple[list[PendingChange], bool]:
    """Return what a commit of *operations* upon *head* would change, and whether it would merge in what others did.

    Raises:
        ReqtrailError: What the commit would be refused with.
    """
    changes, merged = await stage(session, request, head, {}, operations)
    if changes:
        await check_rules(session, head, {}, changes)
    return changes, merged


async def shown_rehearsal(
    session: AsyncSession, head: Snapshot, source: Snapshot, changes: Sequence[PendingChange]
) -> list[dict[str, Any]]:
    """Return *changes* as they may leave by API, what would come as *source* shows it."""
    return await shown_changes(
        session,
        head,
        source,
        [
            EntityChange(
                item.kind,
                item.entity_id,
                item.key,
                "changed",
                None if item.before is None or item.before.deleted else item.before.content,
                None if item.deleted else item.after,
            )
            for item in changes
        ],
    )
