"""Links."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import Request, Response

from reqtrail.features.access.public import DocumentReader, ItemWriter
from reqtrail.features.requirements.public import Write, resolve_item, write
from reqtrail.features.traceability import service
from reqtrail.features.traceability.schemas import LinkCreate, LinkPatch, LinksAnswer
from reqtrail.features.versioning.public import (
    CommitOutcome,
    MAIN,
    BranchName,
    MessageQuery,
    edit_request,
    RefRead,
    outcome,
    resolve_ref,
)
from reqtrail.platform.conditional import etag_of, json_response, not_modified
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter(prefix="/projects/{project}", tags=["traceability"])


@router.get("/items/{item}/links", operation_id="list_links", response_model=LinksAnswer)
async def list_links(
    request: Request,
    item: str,
    context: DocumentReader,
    session: ReadSession,
    at: str | None = None,
) -> Response:
    """List the links of an item, both ways."""
    snapshot = await resolve_ref(session, context.project_id, at, context.head)
    etag = etag_of(request, snapshot.mark, str(snapshot.is_head))
    unchanged = not_modified(request, etag)
    if unchanged is not None:
        return unchanged
    item_id = await resolve_item(session, context.project_id, item)
    links = await service.links_both_ways(session, snapshot, item_id)
    return json_response({"ref": RefRead.of(snapshot).model_dump(), **links}, etag)


@router.post("/links", operation_id="create_link", status_code=201)
async def create_link(
    body: LinkCreate, context: ItemWriter, session: WriteSession, branch: BranchName = MAIN
) -> CommitOutcome:
    """Link two items."""
    fields = body.model_dump(mode="json", exclude={"message"})
    request = edit_request(context, branch, body.message or "Link added")
    result = await write(session, request, [Write("create", "link", fields=fields)])
    return outcome(result)


@router.patch("/links/{link_id}", operation_id="update_link")
async def update_link(
    link_id: UUID,
    body: LinkPatch,
    context: ItemWriter,
    session: WriteSession,
    branch: BranchName = MAIN,
) -> CommitOutcome:
    """Change the attributes or the type of a link."""
    fields: dict[str, Any] = {"attributes": body.attributes} if body.attributes else {}
    if body.type_id is not None:
        fields["type_id"] = str(body.type_id)
    request = edit_request(context, branch, body.message or "Link changed", base_seq=body.base)
    result = await write(session, request, [Write("update", "link", link_id, fields)])
    return outcome(result)


@router.delete("/links/{link_id}", operation_id="delete_link")
async def delete_link(
    link_id: UUID,
    context: ItemWriter,
    session: WriteSession,
    branch: BranchName = MAIN,
    message: MessageQuery = "",
) -> CommitOutcome:
    """Delete a link."""
    request = edit_request(context, branch, message or "Link deleted")
    result = await write(session, request, [Write("delete", "link", link_id)])
    return outcome(result)
