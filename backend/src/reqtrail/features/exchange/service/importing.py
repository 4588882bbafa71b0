"""Running an import: staged, checked, then committed as one commit, or nothing at all."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.errors import ImportFailed
from reqtrail.features.exchange.repository import jobs
from reqtrail.features.exchange.service.histories.claims import author_of, make_baselines
from reqtrail.features.exchange.service.histories.files import Claim, claim_of
from reqtrail.features.exchange.service.histories.running import run_lines
from reqtrail.features.exchange.service.plan import Plan
from reqtrail.features.exchange.service.staging import Staged, stage
from reqtrail.features.exchange.service.work import (
    LEASE,
    Cancelled,
    LeaseLost,
    Work,
    heartbeat,
)
from reqtrail.features.exchange.types import Job, JobState, Losses
from reqtrail.features.versioning.public import (
    CommitRequest,
    CommitResult,
    Operation,
    commit_stream,
    lock_head,
    resolve_ref,
)
from reqtrail.features.access.public import as_member
from reqtrail.kit import clock
from reqtrail.kit.errors import ReqtrailError
from reqtrail.platform.database.engine import Database
from reqtrail.platform.database.scope import of_project, of_task
from reqtrail.platform.telemetry.tracing import continued_from

logger = structlog.get_logger()

MAX_ATTEMPTS: Final = 5
"""How often an import is taken up, its dry run included; then its process must have ended too often."""


async def run_next(database: Database) -> bool:
    """Work on the oldest import that waits; return whether there was one."""
    async with database.within(of_task("imports")).session() as session:
        job = await jobs.claim_job(session, LEASE)
    if job is None:
        return False
    with continued_from(job.trace_parent, "import"):
        await _take_up(database, job)
    return True


async def _take_up(database: Database, job: Job) -> None:
    work = Work(job)
    # What is written is written as the author may still write; what happens to the job itself happens in any case.
    as_author = database.within(as_member(job.author_id, job.project_id))
    database = database.within(of_project(job.project_id))
    log = logger.bind(job=str(job.job_id), project=str(job.project_id), attempt=job.attempts)
    log.info("import_started", file=job.file_name, bytes=job.file_size)
    try:
        if job.attempts > MAX_ATTEMPTS:
            raise ImportFailed(
                f"The import was taken up {MAX_ATTEMPTS} times, and its process ended before it was done."
                " The server's log says more."
            )
        async with heartbeat(database, work):
            await _run(as_author, work)
        log.info("import_ended")
    except Cancelled:
        await _end(database, job, JobState.CANCELLED)
        log.info("import_cancelled")
    except LeaseLost:
        log.warning("import_lease_lost")
    except ReqtrailError as error:
        await _end(database, job, JobState.FAILED, _problem(error))
        log.info("import_refused", code=error.code)
    except (SQLAlchemyError, OSError):
        # The database or the disk; the lease runs out and the import is taken up again.
        log.exception("import_interrupted")
    except Exception:
        log.exception("import_failed")
        failed = ImportFailed(
            "Reading the file met an error of Reqtrail's own; it is in the server's log."
        )
        await _end(database, job, JobState.FAILED, _problem(failed))


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
        await work.hold(session)
        await jobs.update_job(
            session,
            job,
            state=JobState.DRY_RUN_READY,
            phase="done",
            counts=_counts(staged.counts, plan.counts),
            mapping=plan.mapping.as_json(),
            losses=losses.as_json(),
            lease_until=None,
        )
        await jobs.clear_staged(session, job)


async def _commit(database: Database, work: Work, staged: Staged, claim: Claim) -> None:
    """Write everything in one transaction, with the end of the job: it happens once, or not at all."""
    work.enter("writing", 0)
    job, losses = work.job, Losses(staged.losses)
    async with database.session() as session:
        await jobs.update_job(session, job, state=JobState.COMMITTING)
    async with database.session() as session:
        head = await lock_head(session, job.project_id)
        plan = Plan(session, head, work, staged.lineages, losses, writes=True)
        seq = claim.known or (await _write(session, job, plan, claim)).seq
        await make_baselines(session, job, dict.fromkeys(claim.baselines, seq))
        await work.hold(session)
        await _finish(session, job, plan, staged.counts, losses, seq)


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


async def _finish(
    session: AsyncSession,
    job: Job,
    plan: Plan,
    counts: Counter[str],
    losses: Losses,
    seq: int,
) -> None:
    await jobs.update_job(
        session,
        job,
        state=JobState.DONE,
        phase="done",
        counts=_counts(counts, plan.counts),
        mapping=plan.mapping.as_json(),
        losses=losses.as_json(),
        commit_seq=seq,
        lease_until=None,
        finished_at=clock.now(),
    )
    await jobs.clear(session, job)


async def _end(
    database: Database, job: Job, state: JobState, error: dict[str, Any] | None = None
) -> None:
    """Record that the import ended without a commit; what it staged goes."""
    async with database.session() as session:
        current = await jobs.load_job(session, job.project_id, job.job_id, lock=True)
        if current is None or current.attempts != job.attempts:
            return
        await jobs.update_job(
            session, job, state=state, error=error, lease_until=None, finished_at=clock.now()
        )
        await jobs.clear(session, job)


def _counts(read: Counter[str], planned: Counter[str]) -> dict[str, int]:
    names = (
        *("documents", "items", "placements", "links", "link_groups", "attachments", "pictures"),
        *("types", "attributes", "datatypes"),
    )
    outcome = ("created", "updated", "unchanged", "deleted")
    return {**{name: read[name] for name in names}, **{name: planned[name] for name in outcome}}


def _problem(error: ReqtrailError) -> dict[str, Any]:
    extra = {name: value for name, value in error.extra.items() if name in {"line", "object"}}
    return {"code": error.code, "detail": error.detail, "line": None, "object": None, **extra}
