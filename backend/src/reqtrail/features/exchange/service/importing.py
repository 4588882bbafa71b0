"""Running an import: staged, checked, then committed as one commit, or nothing at all."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.errors import JobStateWrong
from reqtrail.features.exchange.repository import jobs
from reqtrail.features.exchange.service.histories.claims import author_of, make_baselines
from reqtrail.features.exchange.service.histories.files import Claim, claim_of
from reqtrail.features.exchange.service.histories.running import run_lines
from reqtrail.features.exchange.service.plan import Plan
from reqtrail.features.exchange.service.staging import Staged, stage
from reqtrail.features.exchange.service.work import Work
from reqtrail.features.exchange.types import Job, JobState, Losses
from reqtrail.features.versioning.public import (
    CommitRequest,
    CommitResult,
    Operation,
    commit_stream,
    lock_head,
    resolve_ref,
)
from reqtrail.features.access.public import Permission, as_member, authorise_acting
from reqtrail.kit import clock
from reqtrail.platform.database.engine import Database
from reqtrail.platform.jobs.types import Job as QueuedJob
from reqtrail.platform.jobs.types import JobStatus
from reqtrail.platform.jobs.work import Work as Attempt

logger = structlog.get_logger()


async def run_import(attempt: Attempt) -> None:
    """Do what an import waits for, its dry run or the writing, as far as its author may.

    Raises:
        JobStateWrong: If it waits for nothing any more.
        ReqtrailError: If the file or the project refuses it.
        Cancelled, LeaseLost: If the work must end.
    """
    queued = attempt.job
    async with attempt.own.read_session() as session:
        job = await jobs.load_job(session, queued.project_id, queued.job_id)
    if job is None or job.state not in (JobState.RUNNING, JobState.COMMITTING):
        raise JobStateWrong("The import has ended already. Upload the file again.")
    # What is written is written as the author may still write; what happens to the job itself happens in any case.
    as_author = attempt.database.within(as_member(job.author_id, job.project_id))
    async with as_author.read_session() as session:
        job = await _as_now_allowed(session, job)
    logger.info("import_started", job=str(job.job_id), file=job.file_name, bytes=job.file_size)
    await _run(as_author, Work(job, attempt))


async def _as_now_allowed(session: AsyncSession, job: Job) -> Job:
    """Return *job* as its author may have it done by now: their role may have changed since they asked.

    Raises:
        ProjectNotFound, Forbidden, ReadingRestricted, ProjectArchived: If they may not import any more.
    """
    context = await authorise_acting(session, job.author_id, job.project_id, Permission.IMPORT_RUN)
    if job.history is None or context.may(Permission.BRANCH_PROTECT):
        return job
    return replace(job, history=replace(job.history, as_owner=False))


async def follow_end(session: AsyncSession, queued: QueuedJob) -> None:
    """Bring an import to rest whose job failed or was cancelled: nothing of it stays but the record.

    One whose job is dead keeps its file, so that the job can be repeated.
    """
    if queued.state is JobStatus.DEAD:
        return
    is_failed, met = queued.state is JobStatus.FAILED, queued.error
    await jobs.end_job(
        session,
        queued.project_id,
        queued.job_id,
        state=JobState.FAILED if is_failed else JobState.CANCELLED,
        error=jobs.problem(met["code"], met["detail"], met) if is_failed and met else None,
        phase=queued.phase,
        done=queued.done,
        total=queued.total,
        finished_at=clock.now(),
    )


async def may_repeat(session: AsyncSession, queued: QueuedJob) -> None:
    """Refuse to repeat the job of an import that came to rest.

    Raises:
        JobStateWrong: If it did.
    """
    if not await jobs.is_open(session, queued.project_id, queued.job_id):
        raise JobStateWrong("The import has ended, and its file is gone. Upload the file again.")


async def _run(database: Database, work: Work) -> None:
    job = work.job
    with tempfile.TemporaryDirectory(prefix="reqtrail-import-") as folder:
        if job.history is not None and job.history.lines:
            await run_lines(database, work, job.history, Path(folder))
            return
        staged = await stage(database, work, Path(folder))
    claim = await claim_of(database, job, staged.times)
    if job.dry_run:
        await _report(database, work, staged)
    else:
        await _commit(database, work, staged, claim)


async def _report(database: Database, work: Work, staged: Staged) -> None:
    """Count what a commit would do, and keep the report with the job until somebody commits it."""
    work.enter("checking", 0)
    job, losses = work.job, Losses(staged.losses)
    async with database.read_session() as session:
        head = await resolve_ref(session, job.project_id, None)
        plan = Plan(session, head, work, staged.lineages, losses, writes=False)
        async for _ in plan.chunks():
            pass
    async with database.session() as session:
        await jobs.clear_staged(session, job.project_id, job.job_id)
        await work.rest(
            session,
            {"dry_run": True},
            state=JobState.DRY_RUN_READY,
            counts=_counts(staged.counts, plan.counts),
            mapping=plan.mapping.as_json(),
            losses=losses.as_json(),
        )


async def _commit(database: Database, work: Work, staged: Staged, claim: Claim) -> None:
    """Write everything in one transaction, with the end of the job: it happens once, or not at all."""
    work.enter("writing", 0)
    job, losses = work.job, Losses(staged.losses)
    async with database.session() as session:
        await work.keep(session)
        await jobs.update_job(session, job, state=JobState.COMMITTING)
    async with database.session() as session:
        head = await lock_head(session, job.project_id)
        await _as_now_allowed(session, job)
        plan = Plan(session, head, work, staged.lineages, losses, writes=True)
        seq = claim.known or (await _write(session, job, plan, claim)).seq
        await make_baselines(session, job, dict.fromkeys(claim.baselines, seq))
        # Before the job is locked: its lease is renewed until then.
        await jobs.clear(session, job.project_id, job.job_id)
        await work.rest(
            session,
            {"seq": seq},
            state=JobState.DONE,
            counts=_counts(staged.counts, plan.counts),
            mapping=plan.mapping.as_json(),
            losses=losses.as_json(),
            commit_seq=seq,
            finished_at=clock.now(),
        )


async def _write(session: AsyncSession, job: Job, plan: Plan, claim: Claim) -> CommitResult:
    request = CommitRequest(
        job.project_id,
        await author_of(session, job, claim.author),
        message=f"Import of {job.file_name}",
        kind="import",
        authored_at=claim.authored_at,
        details=claim.details,
        as_owner=claim.as_owner,
    )

    async def chunks() -> AsyncIterator[list[Operation]]:
        async for operations in plan.chunks():
            yield operations

    return await commit_stream(session, request, chunks(), keep_empty=claim.of_history)


def _counts(read: Counter[str], planned: Counter[str]) -> dict[str, int]:
    names = (
        *("documents", "items", "placements", "links", "link_groups", "attachments", "pictures"),
        *("types", "attributes", "datatypes"),
    )
    outcome = ("created", "updated", "unchanged", "deleted")
    return {**{name: read[name] for name in names}, **{name: planned[name] for name in outcome}}
