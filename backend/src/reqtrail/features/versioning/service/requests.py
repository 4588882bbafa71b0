"""Commits as requests ask for them."""

from __future__ import annotations

from reqtrail.features.access.public import Permission, ProjectContext
from reqtrail.features.versioning.types import CommitRequest


def edit_request(
    context: ProjectContext,
    branch: str,
    message: str,
    base_seq: int | None = None,
    *,
    kind: str = "edit",
) -> CommitRequest:
    """Return the commit that the one who asks wants to make on *branch*."""
    return CommitRequest(
        context.project_id,
        context.actor.user_id,
        message=message,
        branch=branch,
        kind=kind,
        base_seq=base_seq,
        as_owner=context.may(Permission.BRANCH_PROTECT),
    )
