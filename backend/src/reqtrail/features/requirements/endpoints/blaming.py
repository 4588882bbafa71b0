"""Who wrote which word of an item's text."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from reqtrail.features.access.public import HistoryReader
from reqtrail.features.requirements.endpoints.documents import At
from reqtrail.features.requirements.schemas import BlameAnswer, BlameSpan
from reqtrail.features.requirements.service.blaming import blame_item
from reqtrail.features.requirements.service.items import resolve_item
from reqtrail.features.versioning.public import Author, RefRead, resolve_ref
from reqtrail.platform.conditional import etag_of, json_response, not_modified
from reqtrail.platform.database.session import ReadSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter(prefix="/items")


@router.get("/{item}/blame", operation_id="blame_item", response_model=BlameAnswer)
async def get_blame(
    request: Request,
    item: str,
    context: HistoryReader,
    session: ReadSession,
    attribute: Annotated[
        str, Query(min_length=1, max_length=500, description="The attribute's id or name.")
    ],
    at: At = None,
) -> Response:
    """Tell who wrote which word of a text of an item: its text in pieces, each with the commit that wrote it.

    A merge is the author only of words that neither side brought; what was restored or undone is its first author's.
    Rich text counts by its words, without markup. White space goes with the word before it.
    """
    snapshot = await resolve_ref(session, context.project_id, at, context.head)
    etag = etag_of(request, snapshot.mark, str(snapshot.is_head))
    unchanged = not_modified(request, etag)
    if unchanged is not None:
        return unchanged
    item_id = await resolve_item(session, context.project_id, item)
    found = await blame_item(session, snapshot, item_id, attribute)
    spans = []
    for span in found.spans:
        commit = found.commits[span.origin]
        author = Author(id=commit.author_id, display_name=found.names.get(commit.author_id, ""))
        spans.append(
            BlameSpan(
                text=span.text,
                seq=commit.seq,
                author=author,
                authored_at=commit.authored_at,
                message=commit.message,
                after_redaction=commit.seq in found.after_redaction,
            )
        )
    answer = BlameAnswer(
        ref=RefRead.of(snapshot),
        id=item_id,
        key=found.key,
        attribute_id=found.attribute.id,
        attribute=found.attribute.name,
        spans=spans,
    )
    return json_response(answer.model_dump(mode="json"), etag)
