"""What of the version engine is done by workers: verifying a project, and sealing its baselines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import Permission, as_member
from reqtrail.features.versioning.schemas import ProblemRead, VerifyRead
from reqtrail.features.versioning.sealing import (
    SEAL_JOB,
    LeaseLost,
    NotSealed,
    SealState,
    run_seal,
)
from reqtrail.features.versioning.service.redacting import redacted_read
from reqtrail.features.versioning.service.verify import VerifyReport, recently_changed, verify
from reqtrail.platform.auditing import describe
from reqtrail.platform.database.scope import of_project, of_task
from reqtrail.platform.encoding import json_bytes
from reqtrail.platform.jobs.queue import enqueue, is_waiting
from reqtrail.platform.jobs.types import Job, JobKind, Priority
from reqtrail.platform.jobs.work import TryAgain, Work

logger = structlog.get_logger()

_VERIFY: Final = "versioning.verify"


def report_read(report: VerifyReport) -> VerifyRead:
    """Return the report of a verification as JSON shows it."""
    return VerifyRead(
        ok=report.ok,
        counts=dict(report.counts),
        problems=[
            ProblemRead(
                what=item.what, detail=item.detail, kind=item.kind, id=item.entity_id, seq=item.seq
            )
            for item in report.problems
        ],
        redacted=redacted_read(report.redacted),
    )


async def ask_for_verification(
    session: AsyncSession, project_id: UUID, author_id: UUID | None
) -> Job:
    """Queue a verification of a project; without an author it is Reqtrail's own, and others come first."""
    priority = Priority.HIGH if author_id else Priority.LOW
    job = await enqueue(session, _VERIFY, project_id, author_id, {}, priority=priority)
    describe(session, action="project:verify", subject=("job", job.job_id))
    return job


async def _verify(work: Work) -> Mapping[str, Any]:
    job = work.job
    database = work.own
    if job.author_id is not None:
        database = work.database.within(as_member(job.author_id, job.project_id))
    work.enter("reading")
    async with database.read_session() as session:
        report = await verify(session, job.project_id)
    if not report.ok:
        logger.error("project_not_verified", project=str(job.project_id), job=str(job.job_id))
    read = report_read(report)
    await work.write(json_bytes(read.model_dump(mode="json")))
    await work.name_file("verification.json", "application/json")
    return {"ok": read.ok, "counts": read.counts, "problems": len(read.problems)}


VERIFY: Final = JobKind(
    _VERIFY, _verify, permission=Permission.HISTORY_READ.value, most_attempts=3, long=True
)
"""Recomputes every hash of a project; the report is a file."""


async def _seal(work: Work) -> Mapping[str, Any]:
    job = work.job
    branch_id, seq = UUID(job.payload["branch_id"]), job.payload["seq"]
    try:
        state = await run_seal(work.database, job.project_id, branch_id, seq)
    except LeaseLost:
        raise TryAgain("Another process is making the seal.") from None
    if state is not SealState.SEALED:
        raise NotSealed("The seal failed; the baseline says why.", state=state)
    return {"seq": seq}


SEAL: Final = JobKind(SEAL_JOB, _seal)
"""Makes the seal that was asked for with it. The seal keeps how far it is and what came of it, for good."""


async def _verify_recent(work: Work) -> Mapping[str, Any]:
    """Queue a verification of each project that was committed to within a day, unless one waits already."""
    async with work.database.within(of_task("verifying")).read_session() as session:
        projects = await recently_changed(session, timedelta(days=1, hours=1))
    work.enter("queueing", len(projects))
    queued = 0
    for project_id in projects:
        async with work.database.within(of_project(project_id)).session() as session:
            if not await is_waiting(session, project_id, _VERIFY):
                await ask_for_verification(session, project_id, None)
                queued += 1
        work.advance()
    return {"projects": len(projects), "queued": queued}


VERIFY_RECENT: Final = JobKind(
    "versioning.verify-recent", _verify_recent, priority=Priority.LOW, kept=timedelta(days=30)
)
"""What a schedule queues, so that a history that was tampered with is noticed within a day of the next change."""
