"""Documents: lists, reading order, windows of rows, find."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Query, Request, Response

from reqtrail.features.access.public import DocumentReader, ItemWriter
from reqtrail.features.requirements.schemas import (
    DocumentCreate,
    DocumentList,
    DocumentPatch,
    DocumentRead,
    FindAnswer,
    OutlineAnswer,
    RowsAnswer,
    SchemaAnswer,
)
from reqtrail.features.requirements.service import documents, items, windows
from reqtrail.features.requirements.service.outline import load_outline
from reqtrail.features.requirements.service.writes import Write, write
from reqtrail.features.versioning.public import MAIN, BranchName, edit_request, RefRead, resolve_ref
from reqtrail.platform.conditional import etag_of, json_response, not_modified
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter
from reqtrail.platform.throttle import expensive

router = ApiRouter()

At = Annotated[
    str | None,
    Query(max_length=200, description="The version to read at; the head of main if left out."),
]


@router.get("/documents", operation_id="list_documents", response_model=DocumentList)
async def list_documents(
    request: Request, context: DocumentReader, session: ReadSession, at: At = None
) -> Response:
    """List the documents of a project in their order."""
    snapshot = await resolve_ref(session, context.project_id, at, context.head)
    etag = etag_of(request, snapshot.mark, str(snapshot.is_head))
    unchanged = not_modified(request, etag)
    if unchanged is not None:
        return unchanged
    found = await documents.list_documents(session, snapshot)
    listed = DocumentList(
        ref=RefRead.of(snapshot), documents=[DocumentRead.model_validate(item) for item in found]
    )
    return json_response(listed.model_dump(mode="json"), etag)


@router.post("/documents", operation_id="create_document", status_code=201)
async def create_document(
    body: DocumentCreate, context: ItemWriter, session: WriteSession, branch: BranchName = MAIN
) -> DocumentRead:
    """Make a document behind the others."""
    fields = {"title": body.title, "type_id": str(body.type_id) if body.type_id else None}
    request = edit_request(context, branch, f"New document “{body.title}”")
    result = await write(session, request, [Write("create", "document", fields=fields)])
    snapshot = result.snapshot
    found = await documents.get_document(session, snapshot, result.changes[0].entity_id)
    return DocumentRead.model_validate(found)


@router.get("/documents/{document_id}", operation_id="get_document", response_model=DocumentRead)
async def get_document(
    request: Request,
    document_id: UUID,
    context: DocumentReader,
    session: ReadSession,
    at: At = None,
) -> Response:
    """Return one document without its items."""
    snapshot = await resolve_ref(session, context.project_id, at, context.head)
    etag = etag_of(request, snapshot.mark)
    unchanged = not_modified(request, etag)
    if unchanged is not None:
        return unchanged
    found = DocumentRead.model_validate(
        await documents.get_document(session, snapshot, document_id)
    )
    return json_response(found.model_dump(mode="json"), etag)


@router.patch("/documents/{document_id}", operation_id="update_document")
async def update_document(
    document_id: UUID,
    body: DocumentPatch,
    context: ItemWriter,
    session: WriteSession,
    branch: BranchName = MAIN,
) -> DocumentRead:
    """Rename a document, archive it or bring it back."""
    fields = body.model_dump(exclude={"base"}, exclude_none=True)
    request = edit_request(context, branch, "Document changed", base_seq=body.base)
    result = await write(session, request, [Write("update", "document", document_id, fields)])
    snapshot = result.snapshot
    return DocumentRead.model_validate(await documents.get_document(session, snapshot, document_id))


@router.get(
    "/documents/{document_id}/outline",
    operation_id="get_outline",
    response_model=OutlineAnswer,
)
async def get_outline(
    request: Request,
    document_id: UUID,
    context: DocumentReader,
    session: ReadSession,
    at: At = None,
) -> Response:
    """Return a whole document in reading order, compact, without its texts."""
    snapshot = await resolve_ref(session, context.project_id, at, context.head)
    etag = etag_of(request, snapshot.mark, str(snapshot.is_head))
    unchanged = not_modified(request, etag)
    if unchanged is not None:
        return unchanged
    outline = await load_outline(session, snapshot, document_id)
    document = await documents.get_document(session, snapshot, document_id, outline.count)
    content = {
        "ref": RefRead.of(snapshot).model_dump(),
        "document": document,
        "rows": orjson.Fragment(outline.encoded),
    }
    return json_response(content, etag)


@router.get("/documents/{document_id}/rows", operation_id="get_rows", response_model=RowsAnswer)
async def get_rows(
    request: Request,
    document_id: UUID,
    context: DocumentReader,
    session: ReadSession,
    at: At = None,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=5000)] = 100,
) -> Response:
    """Return a window of a document's rows in reading order, with their items."""
    snapshot = await resolve_ref(session, context.project_id, at, context.head)
    etag = etag_of(request, snapshot.mark, str(snapshot.is_head))
    unchanged = not_modified(request, etag)
    if unchanged is not None:
        return unchanged
    total, rows = await windows.document_rows(session, snapshot, document_id, offset, limit)
    content: dict[str, Any] = {
        "ref": RefRead.of(snapshot).model_dump(),
        "total": total,
        "offset": offset,
        "rows": orjson.Fragment(rows),
    }
    return json_response(content, etag)


@router.get("/find", operation_id="find_in_document", response_model=FindAnswer)
@expensive("search")
async def find_in_document(
    context: DocumentReader,
    session: ReadSession,
    document: UUID,
    q: Annotated[str, Query(min_length=1, max_length=500)],
    at: At = None,
) -> Response:
    """Find a text inside a document: the rows that hold it, in reading order."""
    snapshot = await resolve_ref(session, context.project_id, at, context.head)
    matches = await items.find_in_document(session, snapshot, document, q)
    return json_response({"ref": RefRead.of(snapshot).model_dump(), "matches": matches})


@router.get("/schema", operation_id="get_schema", response_model=SchemaAnswer)
async def get_schema(
    request: Request, context: DocumentReader, session: ReadSession, at: At = None
) -> Response:
    """Return the types, attributes and datatypes of a project."""
    snapshot = await resolve_ref(session, context.project_id, at, context.head)
    etag = etag_of(request, snapshot.mark, str(snapshot.is_head))
    unchanged = not_modified(request, etag)
    if unchanged is not None:
        return unchanged
    content = {
        "ref": RefRead.of(snapshot).model_dump(),
        **await documents.describe_schema(session, snapshot),
    }
    return json_response(content, etag)
