"""Imports as jobs: asked for, listed, committed after their dry run, cancelled."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.errors import JobNotFound, JobStateWrong
from reqtrail.features.exchange.repository import jobs as repository
from reqtrail.features.exchange.types import HistoryRequest, Job, JobState
from reqtrail.features.files.public import safe_name
from reqtrail.kit import clock
from reqtrail.kit.ids import new_id
from reqtrail.platform.auditing import describe
from reqtrail.platform.database.engine import Database
from reqtrail.platform.database.scope import of_project, of_task
from reqtrail.platform.jobs import queue

IMPORT_JOB: Final = "exchange.import"
"""The kind of the job that does both steps of an import: its record says which is next."""
LISTED: Final = 50
KEPT_DRY_RUNS: Final = timedelta(days=7)
"""How long a dry run waits to be committed."""


async def create_job(
    session: AsyncSession,
    project_id: UUID,
    author_id: UUID,
    file_name: str,
    pieces: AsyncIterator[bytes],
    *,
    dry_run: bool,
    history: HistoryRequest | None = None,
) -> Job:
    """Queue the import of an uploaded file.

    Args:
        history: Set for a history, or a file of one; its ``sha256`` is found here.
    """
    job_id = new_id()
    await repository.insert_job(
        session,
        project_id=project_id,
        job_id=job_id,
        author_id=author_id,
        state=JobState.QUEUED,
        dry_run=dry_run,
        phase="queued",
        done=0,
        total=0,
        file_name=safe_name(file_name),
        file_size=0,
        counts={},
        mapping={},
        losses=[],
        error=None,
        commit_seq=None,
        created_at=clock.now(),
        finished_at=None,
        history=None,
    )
    size, digest = await _store(session, project_id, job_id, pieces)
    if history is not None:
        history = replace(history, sha256=digest)
    await queue.enqueue(session, IMPORT_JOB, project_id, author_id, {}, job_id=job_id)
    job = await get_job(session, project_id, job_id)
    asked = None if history is None else asdict(history)
    await repository.update_job(session, job, file_size=size, history=asked)
    describe(
        session,
        subject=("import", job_id),
        new={
            "file": job.file_name,
            "bytes": size,
            "sha256": digest,
            "dry_run": dry_run,
        },
    )
    return await get_job(session, project_id, job_id)


async def _store(
    session: AsyncSession, project_id: UUID, job_id: UUID, pieces: AsyncIterator[bytes]
) -> tuple[int, str]:
    """Keep an uploaded file; return its size in bytes and its SHA-256."""
    size = ordinal = 0
    digest = hashlib.sha256()
    async for piece in pieces:
        await repository.insert_piece(session, project_id, job_id, ordinal, piece)
        ordinal += 1
        size += len(piece)
        digest.update(piece)
    return size, digest.hexdigest()


async def get_job(session: AsyncSession, project_id: UUID, job_id: UUID) -> Job:
    """Return an import.

    Raises:
        JobNotFound: If the project has no such import.
    """
    return _found(await repository.load_job(session, project_id, job_id))


async def list_jobs(session: AsyncSession, project_id: UUID) -> list[Job]:
    """Return the newest imports of a project."""
    return await repository.list_jobs(session, project_id, LISTED)


async def commit_job(session: AsyncSession, project_id: UUID, job_id: UUID) -> Job:
    """Have an import written whose dry run is done.

    Raises:
        JobNotFound, JobStateWrong: If there is none, or it is not at this point.
    """
    job = await _locked(session, project_id, job_id)
    if job.state is not JobState.DRY_RUN_READY:
        raise JobStateWrong(
            f"The import is “{job.state}”; only one whose dry run is ready can be committed."
        )
    await repository.update_job(
        session, job, state=JobState.COMMITTING, dry_run=False, phase="queued", done=0, total=0
    )
    await queue.resume(session, project_id, job_id, IMPORT_JOB, job.author_id)
    return await _moved(session, job)


async def cancel_job(session: AsyncSession, project_id: UUID, job_id: UUID) -> Job:
    """End an import without a commit: at once if nobody works on it, else as soon as its worker sees it.

    Raises:
        JobNotFound, JobStateWrong: If there is none, or it has ended.
    """
    job = await _locked(session, project_id, job_id)
    if job.finished_at is not None:
        raise JobStateWrong(f"The import has ended already: it is “{job.state}”.")
    if job.state is JobState.DRY_RUN_READY:
        await _drop(session, job)
    else:
        await queue.cancel(session, project_id, job_id)
    return await _moved(session, job)


async def _locked(session: AsyncSession, project_id: UUID, job_id: UUID) -> Job:
    # The job comes before the record, as for workers: so nobody waits for each other.
    await queue.find_job(session, project_id, job_id, lock=True)
    return _found(await repository.load_job(session, project_id, job_id, lock=True))


async def _moved(session: AsyncSession, before: Job) -> Job:
    """Return what has become of an import, and say so in the record."""
    job = await get_job(session, before.project_id, before.job_id)
    new = {"state": job.state, "cancel_requested": job.cancel_requested}
    describe(session, old={"state": before.state, "file": before.file_name}, new=new)
    return job


async def drop_abandoned(database: Database) -> int:
    """End the imports that nobody comes back to; return how many.

    Those are dry runs that nobody committed for a week, and what was given up and whose job is gone.
    """
    before, dropped = clock.now() - KEPT_DRY_RUNS, 0
    async with database.within(of_task("jobs")).read_session() as session:
        abandoned = await repository.abandoned(session, before)
    for project_id, job_id in abandoned:
        async with database.within(of_project(project_id)).session() as session:
            await queue.find_job(session, project_id, job_id, lock=True)
            job = await repository.is_abandoned(session, project_id, job_id, before)
            if job is not None:
                await _drop(session, job)
                dropped += 1
    return dropped


async def drop_dry_runs(session: AsyncSession, project_id: UUID) -> None:
    """Cancel every dry run of a project that waits to be committed: a redaction must leave no copy behind."""
    for job in await repository.waiting(session, project_id):
        # The job before its record, as everywhere: somebody may be committing it.
        await queue.find_job(session, project_id, job.job_id, lock=True)
        current = await repository.load_job(session, project_id, job.job_id, lock=True)
        if current is not None and current.state is JobState.DRY_RUN_READY:
            await _drop(session, current)


async def _drop(session: AsyncSession, job: Job) -> None:
    state = JobState.FAILED if job.state is JobState.FAILED else JobState.CANCELLED
    await repository.update_job(
        session,
        job,
        state=state,
        error=job.error,
        finished_at=job.finished_at or clock.now(),
    )
    await repository.clear(session, job.project_id, job.job_id)


def _found(job: Job | None) -> Job:
    if job is None:
        raise JobNotFound("There is no such import in this project.")
    return job
