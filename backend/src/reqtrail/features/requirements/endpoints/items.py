"""Items: read, list, change, restore, history."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import (
    DocumentReader,
    HistoryReader,
    ItemWriter,
    ProjectContext,
)
from reqtrail.features.requirements.endpoints.documents import At
from reqtrail.features.requirements.schemas import (
    HistoryAnswer,
    ItemAnswer,
    ItemCreate,
    ItemList,
    ItemPatch,
    RestoreWrite,
)
from reqtrail.features.requirements.service import item_history, items, listing
from reqtrail.features.requirements.service.writes import Position, Write, write
from reqtrail.features.versioning.public import (
    LAST_SEQUENCE,
    CommitOutcome,
    MAIN,
    BranchName,
    MessageQuery,
    edit_request,
    CommitResult,
    RefRead,
    outcome,
    resolve_ref,
)
from reqtrail.kit.ids import new_id
from reqtrail.platform.conditional import etag_of, json_response, not_modified
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter(prefix="/items")


async def _answer(
    session: AsyncSession, context: ProjectContext, result: CommitResult, item_id: UUID
) -> Response:
    snapshot = result.snapshot
    item = await items.get_item(session, snapshot, item_id)
    return json_response({"ref": RefRead.of(snapshot).model_dump(), "item": item})


@router.get("", operation_id="list_items", response_model=ItemList)
async def list_items(
    context: DocumentReader,
    session: ReadSession,
    at: At = None,
    state: Annotated[str | None, Query(pattern="^(unplaced|deleted)$")] = None,
    q: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """List items: all, the ``unplaced``, the ``deleted``, or those whose key or text holds ``q``."""
    snapshot = await resolve_ref(session, context.project_id, at, context.head)
    found, following = await listing.list_items(
        session, snapshot, state=state, query=q, after=cursor, limit=limit
    )
    content: dict[str, Any] = {
        "ref": RefRead.of(snapshot).model_dump(),
        "items": found,
        "next": following,
    }
    return json_response(content)


@router.post("", operation_id="create_item", status_code=201, response_model=ItemAnswer)
async def create_item(
    body: ItemCreate, context: ItemWriter, session: WriteSession, branch: BranchName = MAIN
) -> Response:
    """Make an item, and place it if a position is given."""
    item_id = new_id()
    fields = {
        "type_id": str(body.type_id) if body.type_id else None,
        "attributes": body.attributes,
    }
    writes = [Write("create", "item", item_id, fields)]
    if body.position is not None:
        position = Position(**body.position.model_dump())
        writes.append(
            Write("create", "placement", fields={"item_id": str(item_id)}, position=position)
        )
    request = edit_request(context, branch, body.message)
    result = await write(session, request, writes)
    answer = await _answer(session, context, result, item_id)
    answer.status_code = 201
    return answer


@router.get("/{item}", operation_id="get_item", response_model=ItemAnswer)
async def get_item(
    request: Request, item: str, context: DocumentReader, session: ReadSession, at: At = None
) -> Response:
    """Return one item, by key or id; a deleted one says so."""
    snapshot = await resolve_ref(session, context.project_id, at, context.head)
    etag = etag_of(request, snapshot.mark, str(snapshot.is_head))
    unchanged = not_modified(request, etag)
    if unchanged is not None:
        return unchanged
    found = await items.get_item(session, snapshot, item)
    return json_response({"ref": RefRead.of(snapshot).model_dump(), "item": found}, etag)


@router.patch("/{item}", operation_id="update_item", response_model=ItemAnswer)
async def update_item(
    item: str,
    body: ItemPatch,
    context: ItemWriter,
    session: WriteSession,
    branch: BranchName = MAIN,
) -> Response:
    """Change an item. What others changed since ``base`` is merged; the same thing changed differently is a 409."""
    item_id = await items.resolve_item(session, context.project_id, item)
    fields: dict[str, Any] = {"attributes": body.attributes} if body.attributes else {}
    if body.type_id is not None:
        fields["type_id"] = str(body.type_id)
    request = edit_request(context, branch, body.message, base_seq=body.base)
    result = await write(session, request, [Write("update", "item", item_id, fields)])
    return await _answer(session, context, result, item_id)


@router.delete("/{item}", operation_id="delete_item")
async def delete_item(
    item: str,
    context: ItemWriter,
    session: WriteSession,
    base: Annotated[int | None, Query(ge=0, le=LAST_SEQUENCE)] = None,
    branch: BranchName = MAIN,
    message: MessageQuery = "",
) -> CommitOutcome:
    """Delete an item with its placements and links; it can be listed and restored."""
    item_id = await items.resolve_item(session, context.project_id, item)
    request = edit_request(context, branch, message or "Item deleted", base_seq=base)
    result = await write(session, request, [Write("delete", "item", item_id)])
    return outcome(result)


@router.post("/{item}/restore", operation_id="restore_item", response_model=ItemAnswer)
async def restore_item(
    item: str,
    body: RestoreWrite,
    context: ItemWriter,
    session: WriteSession,
    branch: BranchName = MAIN,
) -> Response:
    """Bring an item back to its state at a version, as a new commit; a deleted one lives again."""
    item_id = await items.resolve_item(session, context.project_id, item)
    source = await resolve_ref(session, context.project_id, body.at)
    message = body.message or f"Restored from version {source.seq}"
    request = replace(
        edit_request(context, branch, message, kind="restore"),
        details={"restores": {"seq": source.seq, "item": str(item_id)}},
    )
    restore = Write("restore", "item", item_id, from_seq=source.seq)
    result = await write(session, request, [restore])
    return await _answer(session, context, result, item_id)


@router.get("/{item}/history", operation_id="get_item_history", response_model=HistoryAnswer)
async def get_item_history(
    item: str, context: HistoryReader, session: ReadSession, at: At = None
) -> Response:
    """Return the versions of an item, newest first, each with what it changed."""
    snapshot = await resolve_ref(session, context.project_id, at, context.head)
    item_id = await items.resolve_item(session, context.project_id, item)
    entries = await item_history.item_history(session, snapshot, item_id)
    return json_response({"entries": entries})
