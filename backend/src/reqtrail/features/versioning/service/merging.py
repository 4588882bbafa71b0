"""Update from the parent and merge to the parent, written as one commit with both parents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning import repository
from reqtrail.features.versioning.errors import MergeConflict, MergeStale
from reqtrail.features.versioning.service.branches import base_details, describe
from reqtrail.features.versioning.service.merge_plan import MERGE, UPDATE, MergePlan, preview
from reqtrail.features.versioning.service.three_way import Resolution
from reqtrail.features.versioning.service.writer import OpenCommit, Writer, check_writable
from reqtrail.features.versioning.types import Change, CommitRequest, CommitResult

MAX_NAMED = 100
"""So many open conflicts are named by a refusal; a preview names all."""


async def merge(
    session: AsyncSession,
    project_id: UUID,
    author_id: UUID,
    branch_id: UUID,
    direction: str,
    *,
    resolutions: Sequence[Resolution] = (),
    expected: tuple[int, int] | None = None,
    message: str = "",
    as_owner: bool = False,
) -> CommitResult:
    """Write a merge or an update as one commit with both parents; nothing, if the sides are one already.

    Args:
        expected: The sequences of the heads of branch and parent that a preview showed.

    Raises:
        MergeConflict: If something is still to be chosen; nothing is written.
        MergeStale: If one of the heads is not the expected one any more.
        BranchProtected, BranchClosed, MergeImpossible, RefNotFound, ResolutionInvalid: If it cannot be done at all.
    """
    counter = await repository.take_sequence(session, project_id)
    plan = await preview(session, project_id, branch_id, direction, resolutions)
    assert counter is not None, "the branch belongs to a project"
    branch, parent = plan.branch, plan.parent
    target = branch if direction == UPDATE else parent
    check_writable(target, as_owner=as_owner)
    if expected is not None and expected != (branch.head_seq, parent.head_seq):
        raise MergeStale(
            "The branch or its parent changed after the preview was made. Look at it again.",
            branch_seq=branch.head_seq,
            parent_seq=parent.head_seq,
        )
    request = CommitRequest(
        project_id,
        author_id,
        message=message or _message(plan),
        branch=target.name,
        kind=direction,
        details=_details(plan, resolutions),
        as_owner=as_owner,
    )
    writer = Writer(
        session,
        request,
        OpenCommit(counter, plan.ours),
        None,
        parents=(plan.theirs.commit_hash,),
    )
    if await _nothing_new(session, plan):
        return await writer.abandon()
    _refuse_open(plan)
    await writer.put(plan.changes)
    await _synchronise(session, plan, counter.seq)
    changes = tuple(
        Change(item.kind, item.entity_id, item.key, item.action) for item in plan.changes
    )
    below = plan.theirs.levels if direction == UPDATE else None
    return await writer.close(changes, below=below)


def _refuse_open(plan: MergePlan) -> None:
    count = len(plan.open_conflicts)
    if count:
        raise MergeConflict(
            f"{count} {'choice has' if count == 1 else 'choices have'} to be made before this can"
            " be merged.",
            conflicts=[
                {"kind": item.kind, "id": str(item.entity_id), "key": item.key, "field": item.field}
                for item in plan.open_conflicts[:MAX_NAMED]
            ],
        )


async def _synchronise(session: AsyncSession, plan: MergePlan, seq: int) -> None:
    """Keep what branch and parent have in common from commit *seq* on."""
    project_id, branch_id = plan.branch.project_id, plan.branch.branch_id
    synced = {"synced_branch_id": plan.theirs.branch_id, "synced_seq": plan.theirs.seq}
    if plan.direction == UPDATE:
        await repository.insert_base(session, project_id, branch_id, seq, plan.theirs.levels[0])
    else:
        synced["merged_seq"] = plan.branch.head_seq
    await repository.update_branch(session, project_id, [branch_id], **synced)


def _message(plan: MergePlan) -> str:
    source = f"“{plan.theirs.branch}”"
    if plan.direction == UPDATE:
        return f"Update of “{plan.branch.name}” from {source}"
    return f"Merge of {source}"


def _details(plan: MergePlan, resolutions: Sequence[Resolution]) -> dict[str, Any]:
    name = "base" if plan.direction == UPDATE else "merge"
    details: dict[str, Any] = {name: base_details(plan.theirs)}
    if resolutions:
        details["resolved"] = len(resolutions)
    return details


async def _nothing_new(session: AsyncSession, plan: MergePlan) -> bool:
    """Return whether the source has no commit that the target has not seen."""
    if plan.direction == MERGE:
        return (await describe(session, plan.branch)).ahead == 0
    below = plan.ours.below[0]
    return (below.branch_id, below.seq) == (plan.theirs.branch_id, plan.theirs.seq)
