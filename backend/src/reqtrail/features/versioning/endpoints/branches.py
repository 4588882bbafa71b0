"""Branches: made, renamed, protected, closed; previews of merges, and the merges."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Header, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import (
    BranchMaker,
    BranchMerger,
    HistoryReader,
    JobReader,
    Permission,
    ProjectContext,
    WholeHistoryReader,
)
from reqtrail.features.identity.public import AppSettings
from reqtrail.features.versioning.errors import BranchProtected
from reqtrail.features.versioning.merge_jobs import (
    ask_for_merge,
    expected_by,
    list_merges,
    resolutions_of,
)
from reqtrail.features.versioning.merge_schemas import (
    MergeJobList,
    MergePreviewRead,
    MergePreviewWrite,
    MergeWrite,
)
from reqtrail.features.versioning.schemas import (
    BranchCreate,
    BranchList,
    BranchPatch,
    BranchRead,
    CommitOutcome,
    RefRead,
)
from reqtrail.features.versioning.service import branches, merging
from reqtrail.features.versioning.service.comparing import outcome, shown_plan
from reqtrail.features.versioning.service.merge_plan import preview
from reqtrail.features.versioning.service.refs import head_snapshot
from reqtrail.features.versioning.types import BranchState
from reqtrail.platform.conditional import json_response
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.encoding import json_bytes
from reqtrail.platform.http import ApiRouter, is_preferred
from reqtrail.platform.jobs.reading import JobRead

router = ApiRouter()

_QUEUED: Final[dict[int | str, dict[str, Any]]] = {
    202: {
        "model": JobRead,
        "description": "A worker does it.",
        "headers": {
            name: {"schema": {"type": "string"}} for name in ("Location", "Preference-Applied")
        },
    }
}
Prefer = Annotated[
    str,
    Header(max_length=200, description="`respond-async` has a worker do it (RFC 7240)."),
]


@router.get("/branches", operation_id="list_branches", response_model=BranchList)
async def get_branches(context: HistoryReader, session: ReadSession) -> Response:
    """List the branches of a project, closed ones too, the oldest first."""
    states = await branches.list_branches(session, context.project_id)
    names = {state.row.branch_id: state.row.name for state in states}
    listed = [await _read(session, state, names) for state in states]
    return json_response(BranchList(branches=listed).model_dump(mode="json"))


@router.post("/branches", operation_id="create_branch", status_code=201)
async def post_branch(
    body: BranchCreate, context: BranchMaker, session: WriteSession
) -> BranchRead:
    """Make a branch from any version. It costs one row, whatever the size of the project."""
    result = await branches.create_branch(
        session, context.project_id, context.actor.user_id, body.name, body.ref
    )
    return await _one(session, context, result.snapshot.branch_id)


@router.patch("/branches/{branch_id}", operation_id="update_branch")
async def patch_branch(
    branch_id: UUID, body: BranchPatch, context: BranchMaker, session: WriteSession
) -> BranchRead:
    """Rename a branch; let only owners write to it, or everybody who may write again (owners only)."""
    project_id, author_id = context.project_id, context.actor.user_id
    if body.protected is not None:
        if not context.may(Permission.BRANCH_PROTECT):
            raise BranchProtected("Only owners of the project decide which branches are protected.")
        await branches.protect_branch(session, project_id, author_id, branch_id, body.protected)
    if body.name is not None:
        await branches.rename_branch(session, project_id, author_id, branch_id, body.name)
    return await _one(session, context, branch_id)


@router.post("/branches/{branch_id}/close", operation_id="close_branch", status_code=201)
async def post_close(
    branch_id: UUID,
    context: BranchMaker,
    session: WriteSession,
    discard: Annotated[bool, Query(description="Close it with what was never merged.")] = False,
) -> BranchRead:
    """Close a branch that is merged, or discard it. It can be read for ever."""
    await branches.close_branch(
        session,
        context.project_id,
        context.actor.user_id,
        branch_id,
        discard=discard,
        as_owner=context.may(Permission.BRANCH_PROTECT),
    )
    return await _one(session, context, branch_id)


@router.post(
    "/branches/{branch_id}/merge-preview",
    operation_id="preview_merge",
    response_model=MergePreviewRead,
)
async def post_preview(
    branch_id: UUID,
    body: MergePreviewWrite,
    context: WholeHistoryReader,
    settings: AppSettings,
    session: ReadSession,
) -> Response:
    """Say what a merge or an update would change, and what has to be chosen first. Nothing is written."""
    plan = await preview(
        session, context.project_id, branch_id, body.direction, resolutions_of(body)
    )
    shown = await shown_plan(session, plan, settings.merge_large_from)
    return json_response(shown.model_dump(mode="json"))


@router.post(
    "/branches/{branch_id}/merge",
    operation_id="merge_branch",
    status_code=201,
    response_model=CommitOutcome,
    responses=_QUEUED,
)
async def post_merge(
    branch_id: UUID,
    body: MergeWrite,
    context: BranchMerger,
    settings: AppSettings,
    session: WriteSession,
    prefer: Prefer = "",
) -> Any:
    """Merge a branch to its parent, or update it from there, as one commit with both parents.

    With `Prefer: respond-async` a worker does it; the answer is the job, which `Location` names too. Its `result` says
    the new version, or its `error` why there is none: the codes are those of this address. Without it more changes than
    the instance allows in a request are refused with `merge_too_large`.
    """
    if is_preferred(prefer, "respond-async"):
        job = await ask_for_merge(session, context, branch_id, body)
        shown = JobRead.of(job, context.key, context.actor.display_name)
        return Response(
            json_bytes(shown.model_dump(mode="json")),
            202,
            media_type="application/json",
            headers={
                "Location": f"/api/v1/projects/{context.key}/jobs/{job.job_id}",
                "Preference-Applied": "respond-async",
            },
        )
    result = await merging.merge(
        session,
        context.project_id,
        context.actor.user_id,
        branch_id,
        body.direction,
        resolutions=resolutions_of(body),
        expected=expected_by(body),
        message=body.message,
        as_owner=context.may(Permission.BRANCH_PROTECT),
        most=settings.merge_request_limit,
    )
    return outcome(result)


@router.get("/branches/{branch_id}/merge-jobs", operation_id="list_merge_jobs")
async def get_merge_jobs(branch_id: UUID, context: JobReader, session: ReadSession) -> MergeJobList:
    """List the merges and updates of a branch that workers do or did, newest first, until they expire."""
    found = await list_merges(session, context.project_id, context.key, branch_id)
    return MergeJobList(merges=found)


async def _one(session: AsyncSession, context: ProjectContext, branch_id: UUID) -> BranchRead:
    row = await branches.find_branch(session, context.project_id, branch_id)
    names = {}
    if row.parent_id is not None:
        parent = await branches.find_branch(session, context.project_id, row.parent_id)
        names[parent.branch_id] = parent.name
    return await _read(session, await branches.describe(session, row), names)


async def _read(session: AsyncSession, state: BranchState, names: dict[UUID, str]) -> BranchRead:
    row = state.row
    head = await head_snapshot(session, row.project_id, row)
    return BranchRead(
        id=row.branch_id,
        name=row.name,
        state=row.state,
        protected=row.is_protected,
        parent=names.get(row.parent_id),
        base=state.base.seq if state.base else None,
        head=RefRead.of(head),
        created_seq=row.created_seq,
        ahead=state.ahead,
        behind=state.behind,
    )
