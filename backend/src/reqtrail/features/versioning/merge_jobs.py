"""Large merges: asked for by a request, computed and written by a worker, in the transaction that ends the job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import (
    Permission,
    ProjectContext,
    as_member,
    authorise_acting,
)
from reqtrail.features.identity.public import display_names
from reqtrail.features.versioning.merge_schemas import (
    MergeJobRead,
    MergePreviewWrite,
    MergeWrite,
)
from reqtrail.features.versioning.repository import merge_jobs as repository
from reqtrail.features.versioning.service.branches import find_branch
from reqtrail.features.versioning.service.merge_plan import MergePlan, begin, compute
from reqtrail.features.versioning.service.merging import merge, refuse_early, refuse_open
from reqtrail.features.versioning.service.progress import Progress
from reqtrail.features.versioning.service.three_way import VALUE, Resolution
from reqtrail.features.versioning.types import CommitResult
from reqtrail.platform.auditing import Source, describe, identify, open_trail
from reqtrail.platform.jobs.queue import enqueue
from reqtrail.platform.jobs.reading import JobRead
from reqtrail.platform.jobs.types import Job, JobKind, Priority
from reqtrail.platform.jobs.work import Work

_NAME: Final = "versioning.merge"
LISTED: Final = 20
"""So many of the newest merges of a branch are listed."""


def resolutions_of(asked: MergePreviewWrite) -> list[Resolution]:
    """Return what was chosen, as the engine takes it."""
    return [
        Resolution(
            item.kind,
            item.id,
            item.field,
            item.field_key,
            item.choose,
            tuple(item.words),
            item.value,
        )
        for item in asked.resolutions
    ]


def expected_by(asked: MergeWrite) -> tuple[int, int] | None:
    """Return the heads that the preview showed, if the request says both."""
    if asked.branch_seq is None or asked.parent_seq is None:
        return None
    return asked.branch_seq, asked.parent_seq


async def ask_for_merge(
    session: AsyncSession, context: ProjectContext, branch_id: UUID, asked: MergeWrite
) -> Job:
    """Queue a merge or an update. What heads and branches speak against is refused at once.

    Raises:
        MergeStale, BranchProtected, BranchClosed, MergeImpossible, RefNotFound: If it cannot be done.
    """
    project_id, as_owner = context.project_id, context.may(Permission.BRANCH_PROTECT)
    plan = await begin(session, project_id, branch_id, asked.direction)
    refuse_early(plan, expected_by(asked), as_owner=as_owner)
    payload = {
        "branch_id": str(branch_id),
        "merge": asked.model_dump(mode="json"),
        "as_owner": as_owner,
    }
    job = await enqueue(session, _NAME, project_id, context.actor.user_id, payload)
    describe(
        session,
        action="branch:ask-merge",
        subject=("job", job.job_id),
        details={"branch": plan.branch.name, "direction": asked.direction},
    )
    return job


async def list_merges(
    session: AsyncSession, project_id: UUID, project_key: str, branch_id: UUID
) -> list[MergeJobRead]:
    """Return the merges and updates of a branch that workers do or did, newest first, with what was asked for.

    Raises:
        RefNotFound: If the project has no such branch.
    """
    await find_branch(session, project_id, branch_id)
    found = await repository.load(session, project_id, _NAME, branch_id, LISTED)
    names = await display_names(session, {job.author_id for job in found if job.author_id})
    return [
        MergeJobRead.of(
            JobRead.of(job, project_key, names.get(job.author_id) if job.author_id else None),
            MergeWrite.model_validate(job.payload["merge"]),
        )
        for job in found
    ]


async def forget_values(session: AsyncSession, project_id: UUID) -> None:
    """Drop values of people's own from what was asked for: a redaction must leave no copy behind.

    A merge that still waits then asks for those choices again.
    """
    for job_id, payload in await repository.load_payloads(session, project_id, _NAME):
        asked = payload["merge"]
        kept = [item for item in asked["resolutions"] if item["choose"] != VALUE]
        if len(kept) < len(asked["resolutions"]):
            stripped = {**payload, "merge": {**asked, "resolutions": kept}}
            await repository.store_payload(session, project_id, job_id, stripped)


class _Told(Progress):
    """Shows with the job how far it is, and ends the work if somebody asked for that."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def enter(self, phase: str, total: int) -> None:
        """Begin a phase."""
        self._work.enter(phase, total)
        await super().enter(phase, total)

    async def advance(self, count: int) -> None:
        """Count what was done."""
        self._work.advance(count)
        await super().advance(count)


async def _merge(work: Work) -> Mapping[str, Any]:
    asked = MergeWrite.model_validate(work.job.payload["merge"])
    chosen = resolutions_of(asked)
    plan = await _plan(work, asked, chosen)
    refuse_open(plan)
    return await _write(work, asked, chosen, plan)


async def _plan(work: Work, asked: MergeWrite, chosen: Sequence[Resolution]) -> MergePlan:
    """Compute the merge without the project's lock: others go on writing, and what they change is noticed later."""
    job = work.job
    assert job.author_id is not None, "somebody asked for it"
    database = work.database.within(as_member(job.author_id, job.project_id))
    async with database.read_session() as session:
        as_owner = await _may_still(session, job)
        branch_id = UUID(job.payload["branch_id"])
        plan = await begin(session, job.project_id, branch_id, asked.direction)
        refuse_early(plan, expected_by(asked), as_owner=as_owner)
        await compute(session, plan, chosen, _Told(work))
    return plan


async def _write(
    work: Work, asked: MergeWrite, chosen: Sequence[Resolution], plan: MergePlan
) -> Mapping[str, Any]:
    """Write the merge and end the job in one transaction: both happen once, or neither does."""
    job = work.job
    assert job.author_id is not None, "somebody asked for it"
    database = work.database.within(as_member(job.author_id, job.project_id))
    branch_id = UUID(job.payload["branch_id"])
    async with database.session() as session:
        open_trail(session, Source("merge_branch", proof="system"), actor_id=job.author_id)
        identify(session, project_id=job.project_id)
        describe(session, subject=("branch", branch_id), details={"job": str(job.job_id)})
        as_owner = await _may_still(session, job)
        result = await merge(
            session,
            job.project_id,
            job.author_id,
            branch_id,
            asked.direction,
            resolutions=chosen,
            expected=expected_by(asked),
            message=asked.message,
            as_owner=as_owner,
            planned=plan,
            progress=_Told(work),
        )
        await work.hold(session)
        said = _said(result)
        await work.complete(session, said)
    return said


async def _may_still(session: AsyncSession, job: Job) -> bool:
    """Return whether the author writes as an owner, as when they asked, if they may merge at all by now."""
    assert job.author_id is not None, "somebody asked for it"
    context = await authorise_acting(
        session, job.author_id, job.project_id, Permission.BRANCH_MERGE
    )
    return bool(job.payload["as_owner"]) and context.may(Permission.BRANCH_PROTECT)


def _said(result: CommitResult) -> dict[str, Any]:
    return {
        "branch": result.snapshot.branch,
        "seq": result.seq,
        "commit": result.hash.hex(),
        "changes": sum(result.counts.values()),
    }


MERGE: Final = JobKind(_NAME, _merge, priority=Priority.HIGH, most_attempts=3, long=True)
"""A merge, or an update, of more changes than somebody wants to wait for with the page open."""
