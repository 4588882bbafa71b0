"""Imports and exports as jobs: what of them workers do."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import Permission, as_member
from reqtrail.features.exchange.service.exporting import MEDIA_TYPES, Export, open_export
from reqtrail.features.exchange.service.importing import follow_end, may_repeat, run_import
from reqtrail.features.exchange.service.jobs import IMPORT_JOB
from reqtrail.features.projects.public import name_of
from reqtrail.features.versioning.public import resolve_ref
from reqtrail.platform.auditing import describe
from reqtrail.platform.jobs.queue import enqueue
from reqtrail.platform.jobs.types import Job, JobKind, Priority
from reqtrail.platform.jobs.work import Work

_NAME: Final = "exchange.export"


async def ask_for_export(
    session: AsyncSession, project_id: UUID, author_id: UUID, *, at: str | None, archive: bool
) -> Job:
    """Queue an export of a project as it is now, or at a ref: as one file, or as an archive with attachments.

    Raises:
        RefNotFound, RefInvalid, RefBeforeProject: If there is no such version.
    """
    await resolve_ref(session, project_id, at)
    job = await enqueue(session, _NAME, project_id, author_id, {"at": at, "archive": archive})
    describe(
        session,
        action="project:export",
        subject=("job", job.job_id),
        details={"at": at, "format": "reqifz" if archive else "reqif"},
    )
    return job


async def _run(work: Work) -> Mapping[str, Any]:
    job, asked = work.job, work.job.payload
    assert job.author_id is not None, "somebody asked for it"
    # Each transaction asks whether the author still has access.
    database = work.database.within(as_member(job.author_id, job.project_id))
    async with database.read_session() as session:
        key, name = await name_of(session, job.project_id)
    work.enter("writing")
    export = Export(job.project_id, key, name, asked["at"], archive=asked["archive"])
    async with aclosing(await open_export(database, export)) as pieces:
        async for piece in pieces:
            await work.write(piece)
            work.advance(len(piece))
    ending = "reqifz" if export.archive else "reqif"
    await work.name_file(f"{key}.{ending}", MEDIA_TYPES[ending])
    return {"at": asked["at"]}


EXPORT: Final = JobKind(
    _NAME, _run, permission=Permission.EXPORT_RUN.value, priority=Priority.HIGH, most_attempts=3
)
"""A file of the project for the one who asked, who waits for it."""


IMPORT: Final = JobKind(
    IMPORT_JOB,
    run_import,
    limit=timedelta(hours=12),
    long=True,
    ended=follow_end,
    repeated=may_repeat,
)
"""A file for the project: its dry run, and once somebody commits it, the writing."""
