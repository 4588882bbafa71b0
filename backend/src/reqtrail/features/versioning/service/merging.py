"""Update from the parent and merge to the parent, written as one commit with both parents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning import repository
from reqtrail.features.versioning.errors import MergeConflict, MergeStale, MergeTooLarge
from reqtrail.features.versioning.service.branches import base_details, describe
from reqtrail.features.versioning.service.merge_plan import (
    MERGE,
    UPDATE,
    MergePlan,
    begin,
    compute,
)
from reqtrail.features.versioning.service.progress import UNSEEN, Progress, pieces
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
    planned: MergePlan | None = None,
    most: int | None = None,
    progress: Progress = UNSEEN,
) -> CommitResult:
    """Write a merge or an update as one commit with both parents; nothing, if the sides are one already.

    Args:
        expected: The sequences of the heads of branch and parent that a preview showed.
        planned: What was computed with the same resolutions before, without the project's lock. It is taken if both
            sides are still what they were; else all is computed anew while others who write wait.
        most: Refuse to write more changes than so many.

    Raises:
        MergeConflict: If something is still to be chosen; nothing is written.
        MergeStale: If one of the heads is not the expected one any more.
        MergeTooLarge: If there are more changes than *most*.
        BranchProtected, BranchClosed, MergeImpossible, RefNotFound, ResolutionInvalid: If it cannot be done at all.
    """
    counter = await repository.take_sequence(session, project_id)
    plan = await begin(session, project_id, branch_id, direction)
    assert counter is not None, "the branch belongs to a project"
    refuse_early(plan, expected, as_owner=as_owner)
    if planned is not None and planned.is_upon(plan):
        plan.changes, plan.conflicts = planned.changes, planned.conflicts
    else:
        await compute(session, plan, resolutions, progress)
    request = CommitRequest(
        project_id,
        author_id,
        message=message or _message(plan),
        branch=plan.ours.branch,
        kind=direction,
        details=_details(plan, resolutions),
        as_owner=as_owner,
    )
    parents = (plan.theirs.commit_hash,)
    writer = Writer(session, request, OpenCommit(counter, plan.ours), None, parents=parents)
    if await _nothing_new(session, plan):
        return await writer.abandon()
    refuse_open(plan)
    _refuse_large(plan, most)
    return await _write(session, writer, plan, counter.seq, progress)


async def _write(
    session: AsyncSession, writer: Writer, plan: MergePlan, seq: int, progress: Progress
) -> CommitResult:
    await progress.enter("writing", len(plan.changes))
    for piece in pieces(plan.changes):
        await writer.put(piece)
        await progress.advance(len(piece))
    await _synchronise(session, plan, seq)
    changes = tuple(
        Change(item.kind, item.entity_id, item.key, item.action) for item in plan.changes
    )
    below = plan.theirs.levels if plan.direction == UPDATE else None
    return await writer.close(changes, below=below)


def refuse_early(plan: MergePlan, expected: tuple[int, int] | None, *, as_owner: bool) -> None:
    """Refuse a merge that the heads and the branches alone speak against.

    Raises:
        MergeStale: If one of the heads is not the expected one any more.
        BranchProtected, BranchClosed: If nothing, or only an owner, may be written to the branch.
    """
    branch, parent = plan.branch, plan.parent
    check_writable(branch if plan.direction == UPDATE else parent, as_owner=as_owner)
    if expected is not None and expected != (branch.head_seq, parent.head_seq):
        raise MergeStale(
            "The branch or its parent changed after the preview was made. Look at it again.",
            branch_seq=branch.head_seq,
            parent_seq=parent.head_seq,
        )


def _refuse_large(plan: MergePlan, most: int | None) -> None:
    count = len(plan.changes)
    if most is not None and count > most:
        raise MergeTooLarge(
            f"{count:,} changes take longer than a request may, which does {most:,} at most. Send the request again"
            " with the header Prefer: respond-async, and a worker does it.",
            changes=count,
            most=most,
        )


def refuse_open(plan: MergePlan) -> None:
    """Refuse a merge in which something is still to be chosen.

    Raises:
        MergeConflict: It names the first of the choices.
    """
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
