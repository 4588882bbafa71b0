"""Jobs: one's own, those of a project, and for administrators all of the instance."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import JobReader, JobRunner, show_projects
from reqtrail.features.identity.public import Administrator, AdministratorWriter, SignedIn
from reqtrail.features.jobs import service
from reqtrail.features.jobs.schemas import JobPage
from reqtrail.features.jobs.types import Search
from reqtrail.platform.database.session import (
    ReadSession,
    WriteSession,
    get_database,
    record_read,
)
from reqtrail.platform.download import disposition
from reqtrail.platform.http import ApiRouter
from reqtrail.platform.jobs.reading import JobRead
from reqtrail.platform.jobs.types import JobStatus

router = ApiRouter(tags=["jobs"])

_FILE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"application/octet-stream": {}}}}
Cursor = Annotated[str | None, Query(max_length=200, description="The `next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=200)]


async def _search(
    state: Annotated[list[JobStatus] | None, Query(description="Those in one of these.")] = None,
    kind: Annotated[
        list[Annotated[str, Query(max_length=100)]] | None,
        Query(max_length=20, description="As `exchange.export` or `exchange.import`."),
    ] = None,
) -> Search:
    return Search(states=tuple(state or ()), kinds=tuple(kind or ()))


Asked = Annotated[Search, Depends(_search)]


async def _page(
    session: AsyncSession, asked: Search, cursor: str | None, limit: int, **scope: UUID
) -> JobPage:
    page = await service.list_jobs(session, Search(**{**vars(asked), **scope}), cursor, limit)
    return JobPage(
        jobs=[
            JobRead.of_values(row, row["project_key"], page.names.get(row["author_id"]))
            for row in page.rows
        ],
        next=page.next,
    )


async def _one(session: AsyncSession, job_id: UUID, project_id: UUID | None = None) -> JobRead:
    row, name = await service.get_job(session, Search(project_id=project_id, job_id=job_id))
    return JobRead.of_values(row, row["project_key"], name)


@router.get("/jobs", operation_id="list_own_jobs")
async def list_own_jobs(
    user: SignedIn, session: ReadSession, asked: Asked, cursor: Cursor = None, limit: Limit = 50
) -> JobPage:
    """List the jobs that you asked for, in the projects that you are in, newest first."""
    await show_projects(session, user)
    return await _page(session, asked, cursor, limit, author_id=user.user_id)


@router.get("/projects/{project}/jobs", operation_id="list_project_jobs")
async def list_project_jobs(
    context: JobReader,
    session: ReadSession,
    asked: Asked,
    cursor: Cursor = None,
    limit: Limit = 50,
    mine: Annotated[bool, Query(description="Only those that you asked for.")] = False,
) -> JobPage:
    """List the jobs of a project, newest first."""
    scope = {"project_id": context.project_id}
    if mine:
        scope["author_id"] = context.actor.user_id
    return await _page(session, asked, cursor, limit, **scope)


@router.get("/projects/{project}/jobs/{job_id}", operation_id="get_job")
async def get_job(job_id: UUID, context: JobReader, session: ReadSession) -> JobRead:
    """Return how far a job has come, and what came of it."""
    return await _one(session, job_id, context.project_id)


@router.post("/projects/{project}/jobs/{job_id}/cancel", operation_id="cancel_job", status_code=202)
async def cancel_job(job_id: UUID, context: JobRunner, session: WriteSession) -> JobRead:
    """End a job that you asked for; owners end anybody's."""
    await service.cancel_job(session, context, job_id)
    return await _one(session, job_id, context.project_id)


@router.post("/projects/{project}/jobs/{job_id}/retry", operation_id="retry_job", status_code=202)
async def retry_job(job_id: UUID, context: JobRunner, session: WriteSession) -> JobRead:
    """Do a job of yours again that failed, is dead or was cancelled; owners do it with anybody's."""
    await service.retry_job(session, context, job_id)
    return await _one(session, job_id, context.project_id)


@router.get(
    "/projects/{project}/jobs/{job_id}/result",
    operation_id="get_job_result",
    response_class=StreamingResponse,
    responses=_FILE,
)
async def get_job_result(
    request: Request, job_id: UUID, context: JobReader, session: ReadSession
) -> StreamingResponse:
    """Fetch the file that a job of yours made, until the job expires."""
    job = await service.find_result(session, context, job_id)
    stream = await service.open_result(get_database(request), job)
    await record_read(request, "job:fetch", ("job", job_id), {"kind": job.kind})
    file = job.result or {}
    return StreamingResponse(
        stream,
        media_type=file["media_type"],
        headers={
            "Content-Disposition": disposition("attachment", file["file_name"]),
            "Content-Length": str(file["size"]),
            "Cache-Control": "no-store",
        },
    )


@router.get("/admin/jobs", operation_id="list_all_jobs")
async def list_all_jobs(
    user: Administrator,
    session: ReadSession,
    asked: Asked,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> JobPage:
    """List the jobs of the whole instance, newest first (administrators)."""
    return await _page(session, asked, cursor, limit)


@router.post("/admin/jobs/{job_id}/cancel", operation_id="cancel_any_job", status_code=202)
async def cancel_any_job(job_id: UUID, user: AdministratorWriter, session: WriteSession) -> JobRead:
    """End any job of the instance (administrators)."""
    await service.cancel_any(session, job_id)
    return await _one(session, job_id)


@router.post("/admin/jobs/{job_id}/retry", operation_id="retry_any_job", status_code=202)
async def retry_any_job(job_id: UUID, user: AdministratorWriter, session: WriteSession) -> JobRead:
    """Do any job of the instance again that failed, is dead or was cancelled (administrators)."""
    await service.retry_any(session, job_id)
    return await _one(session, job_id)
