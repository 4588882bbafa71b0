"""The record of a project, for its owners, and of the instance, for administrators."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import StreamingResponse

from reqtrail.features.access.public import AuditReader, as_administrator, as_member
from reqtrail.features.audit.schemas import (
    AuditEventRead,
    AuditPage,
    AuditReportRead,
    AuditSealRead,
)
from reqtrail.features.audit.service.sealing import seal_state
from reqtrail.features.audit.service.searching import (
    MEDIA_TYPES,
    Format,
    export_events,
    search_events,
)
from reqtrail.features.audit.service.verifying import verify_events
from reqtrail.features.audit.types import EVERYWHERE, Search
from reqtrail.features.identity.public import Administrator
from reqtrail.platform.auditing import INSTANCE
from reqtrail.platform.database.scope import Opening
from reqtrail.platform.database.session import ReadSession, get_database, record_read
from reqtrail.platform.http import ApiRouter, Moment
from reqtrail.platform.throttle import expensive

router = ApiRouter(tags=["audit"])

_FILES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {name.partition(";")[0]: {} for name in MEDIA_TYPES.values()}}
}
Cursor = Annotated[str | None, Query(max_length=200, description="The `next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=200)]
FileFormat = Annotated[Format, Query(description="CSV for spreadsheets, JSON lines for programs.")]
Scope = Annotated[
    Literal["all", "instance"],
    Query(description="Everything, or what belongs to no project alone."),
]


async def _search(
    actor: Annotated[UUID | None, Query(description="The account that did it.")] = None,
    action: Annotated[
        str | None, Query(max_length=100, description="As `member:put`, or `member` for all.")
    ] = None,
    outcome: Annotated[Literal["done", "refused"] | None, Query()] = None,
    subject: Annotated[
        str | None, Query(max_length=200, description="Id or kind of what it is about.")
    ] = None,
    q: Annotated[str | None, Query(max_length=200, description="Words in the event.")] = None,
    since: Annotated[Moment | None, Query(description="The first moment.")] = None,
    until: Annotated[Moment | None, Query(description="The first moment after.")] = None,
) -> Search:
    return Search(
        INSTANCE, actor, action or None, outcome, subject or None, q or None, since, until
    )


Asked = Annotated[Search, Depends(_search)]


def _within(asked: Search, project_id: UUID | Literal["all"]) -> Search:
    return Search(**{**vars(asked), "project_id": project_id})


def _of_scope(scope: Literal["all", "instance"]) -> UUID | Literal["all"]:
    return EVERYWHERE if scope == "all" else INSTANCE


@router.get("/projects/{project}/audit", operation_id="list_audit_events")
async def list_events(
    context: AuditReader,
    session: ReadSession,
    asked: Asked,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> AuditPage:
    """Search what was done in a project, newest first (owners)."""
    return await _page(session, _within(asked, context.project_id), cursor, limit)


@router.get("/audit", operation_id="list_instance_audit_events")
async def list_instance_events(
    user: Administrator,
    session: ReadSession,
    asked: Asked,
    scope: Scope = "all",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> AuditPage:
    """Search what was done on the instance, newest first (administrators)."""
    return await _page(session, _within(asked, _of_scope(scope)), cursor, limit)


async def _page(session: ReadSession, asked: Search, cursor: str | None, limit: int) -> AuditPage:
    page = await search_events(session, asked, cursor, limit)
    events = [AuditEventRead.of(row, page.names) for row in page.events]
    return AuditPage(events=events, next=page.next)


@router.get(
    "/projects/{project}/audit/export",
    operation_id="export_audit_events",
    response_class=StreamingResponse,
    responses=_FILES,
)
@expensive("export")
async def export_project(
    request: Request, context: AuditReader, asked: Asked, format: FileFormat = "csv"  # noqa: A002
) -> StreamingResponse:
    """Export what was done in a project, oldest first; the export is recorded too (owners)."""
    opening = as_member(context.actor.user_id, context.project_id)
    return await _file(request, opening, _within(asked, context.project_id), format, context.key)


@router.get(
    "/audit/export",
    operation_id="export_instance_audit_events",
    response_class=StreamingResponse,
    responses=_FILES,
)
@expensive("export")
async def export_instance(
    request: Request,
    user: Administrator,
    asked: Asked,
    scope: Scope = "all",
    format: FileFormat = "csv",  # noqa: A002
) -> StreamingResponse:
    """Export what was done on the instance, oldest first; the export is recorded too (administrators)."""
    opening = as_administrator(user.user_id)
    return await _file(request, opening, _within(asked, _of_scope(scope)), format, "instance")


async def _file(
    request: Request, opening: Opening, asked: Search, form: Format, name: str
) -> StreamingResponse:
    filters = {key: value for key, value in vars(asked).items() if value is not None}
    filters.pop("project_id")
    database = get_database(request).within(opening)
    # Opened once before the answer begins: what it refuses is told by the status, and is no export.
    async with database.read_session():
        pass
    await record_read(request, "audit:export", details={"format": form, "filters": filters})
    pieces = export_events(database, asked, form)
    first = await anext(pieces, b"")
    return StreamingResponse(
        _joined(first, pieces),
        media_type=MEDIA_TYPES[form],
        headers={
            "Content-Disposition": f'attachment; filename="audit-{name}.{form}"',
            "Cache-Control": "no-store",
        },
    )


@router.get("/projects/{project}/audit/seal", operation_id="get_audit_seal")
async def get_seal(context: AuditReader, session: ReadSession) -> AuditSealRead:
    """Return how far the record of a project is sealed (owners)."""
    return AuditSealRead.of(await seal_state(session, context.project_id))


@router.get("/audit/seal", operation_id="get_instance_audit_seal")
async def get_instance_seal(user: Administrator, session: ReadSession) -> AuditSealRead:
    """Return how far the record of what belongs to no project is sealed (administrators)."""
    return AuditSealRead.of(await seal_state(session, INSTANCE))


@router.post("/projects/{project}/audit/verify", operation_id="verify_audit")
@expensive("verify")
async def verify_project_events(
    request: Request, context: AuditReader, session: ReadSession
) -> AuditReportRead:
    """Recompute the record of a project and name what was removed, changed or put in (owners)."""
    keys = request.app.state.seal_keys
    return AuditReportRead.of(await verify_events(session, context.project_id, keys))


@router.post("/audit/verify", operation_id="verify_instance_audit")
@expensive("verify")
async def verify_instance_events(
    request: Request, user: Administrator, session: ReadSession
) -> AuditReportRead:
    """Recompute the record of what belongs to no project (administrators)."""
    return AuditReportRead.of(await verify_events(session, INSTANCE, request.app.state.seal_keys))


async def _joined(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    async with aclosing(rest) as pieces:
        yield first
        async for piece in pieces:
            yield piece
