"""Imports and exports of a project."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import File, Form, Query, Request, UploadFile
from fastapi.responses import StreamingResponse

from reqtrail.features.access.public import (
    ExportAsker,
    Exporter,
    ImportReader,
    Importer,
    Permission,
    as_member,
)
from reqtrail.features.exchange.schemas import ExportStart, ImportList, ImportRead
from reqtrail.features.exchange.service import jobs
from reqtrail.features.exchange.service.exporting import MEDIA_TYPES, Export, open_export
from reqtrail.features.exchange.service.histories.asking import ask_history
from reqtrail.features.exchange.tasks import ask_for_export
from reqtrail.platform.database.session import (
    ReadSession,
    WriteSession,
    get_database,
    record_read,
)
from reqtrail.platform.download import disposition
from reqtrail.platform.http import ApiRouter, Moment
from reqtrail.platform.jobs.reading import JobRead
from reqtrail.platform.throttle import expensive

router = ApiRouter(prefix="/projects/{project}", tags=["exchange"])

PIECE_BYTES: Final = 1_000_000


@router.post("/imports", operation_id="start_import", status_code=202)
@expensive("import")
async def start_import(
    context: Importer,
    session: WriteSession,
    file: Annotated[UploadFile, File(description="A .reqif or .reqifz file.")],
    mode: Annotated[Literal["dry_run", "commit"], Form()] = "dry_run",
) -> ImportRead:
    """Import a ReqIF file; a dry run stops with its report until it is committed."""
    job = await jobs.create_job(
        session,
        context.project_id,
        context.actor.user_id,
        file.filename or "",
        _pieces(file),
        dry_run=mode == "dry_run",
    )
    return ImportRead.of(job)


@router.post("/history-imports", operation_id="start_history_import", status_code=202)
@expensive("import")
async def start_history_import(
    context: Importer,
    session: WriteSession,
    file: Annotated[UploadFile, File(description="A .jsonl or .jsonl.gz of commits, or a ReqIF.")],
    mode: Annotated[Literal["dry_run", "commit"], Form()] = "dry_run",
    author: Annotated[str | None, Form(min_length=1, max_length=200)] = None,
    authored_at: Annotated[Moment | None, Form()] = None,
    baseline: Annotated[list[str] | None, Form(max_length=100)] = None,
) -> ImportRead:
    """Import a history: each line of a JSON Lines file as a commit with its date and author, or a ReqIF file as one.

    The import is followed, committed and cancelled like any other. ``author`` and ``authored_at`` are for ReqIF; its
    header says the date otherwise. ``baseline`` names the end of the history, or as ``NAME@COMMIT`` a commit of it.
    """
    job = await jobs.create_job(
        session,
        context.project_id,
        context.actor.user_id,
        file.filename or "",
        _pieces(file),
        dry_run=mode == "dry_run",
        history=ask_history(
            file.filename or "",
            author=author,
            authored_at=authored_at,
            baselines=baseline or (),
            as_owner=context.may(Permission.BRANCH_PROTECT),
        ),
    )
    return ImportRead.of(job)


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(PIECE_BYTES):
        yield piece


@router.get("/imports", operation_id="list_imports")
async def list_imports(context: ImportReader, session: ReadSession) -> ImportList:
    """List the newest imports."""
    found = await jobs.list_jobs(session, context.project_id)
    return ImportList(imports=[ImportRead.of(job) for job in found])


@router.get("/imports/{import_id}", operation_id="get_import")
async def get_import(import_id: UUID, context: ImportReader, session: ReadSession) -> ImportRead:
    """Return how far an import has come, and its report."""
    return ImportRead.of(await jobs.get_job(session, context.project_id, import_id))


@router.post("/imports/{import_id}/commit", operation_id="commit_import", status_code=202)
async def commit_import(import_id: UUID, context: Importer, session: WriteSession) -> ImportRead:
    """Write what a dry run reported, as one commit."""
    return ImportRead.of(await jobs.commit_job(session, context.project_id, import_id))


@router.post("/imports/{import_id}/cancel", operation_id="cancel_import", status_code=202)
async def cancel_import(import_id: UUID, context: Importer, session: WriteSession) -> ImportRead:
    """End an import; nothing of it stays."""
    return ImportRead.of(await jobs.cancel_job(session, context.project_id, import_id))


@router.post("/exports", operation_id="start_export", status_code=202)
@expensive("export")
async def start_export(body: ExportStart, context: ExportAsker, session: WriteSession) -> JobRead:
    """Have the project exported by a worker, at any version. The file is the result of the job."""
    job = await ask_for_export(
        session,
        context.project_id,
        context.actor.user_id,
        at=body.at,
        archive=body.format == "reqifz",
    )
    return JobRead.of(job, context.key, context.actor.display_name)


@router.get(
    "/exports/reqif",
    operation_id="export_reqif",
    response_class=StreamingResponse,
    responses={200: {"content": {name: {} for name in MEDIA_TYPES.values()}}},
)
@expensive("export")
async def export_reqif(
    request: Request,
    context: Exporter,
    at: Annotated[str | None, Query(max_length=200)] = None,
    format: Annotated[  # noqa: A002  the name of the query parameter
        Literal["reqif", "reqifz"], Query()
    ] = "reqifz",
) -> StreamingResponse:
    """Export the project at any version: as one ReqIF file, or as an archive with its attachments."""
    database = get_database(request).within(as_member(context.actor.user_id, context.project_id))
    export = Export(context.project_id, context.key, context.name, at, archive=format == "reqifz")
    stream = await open_export(database, export)
    await record_read(request, "project:export", details={"at": at, "format": format})
    return StreamingResponse(
        stream,
        media_type=MEDIA_TYPES[format],
        headers={
            "Content-Disposition": disposition("attachment", f"{context.key}.{format}"),
            "Cache-Control": "no-store",
        },
    )
