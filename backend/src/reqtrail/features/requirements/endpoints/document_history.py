"""The commits that touched a document."""

from __future__ import annotations

from itertools import zip_longest
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from reqtrail.features.access.public import HistoryReader
from reqtrail.features.identity.public import display_names
from reqtrail.features.requirements.endpoints.documents import At
from reqtrail.features.requirements.schemas import DocumentCommitRead, DocumentHistoryAnswer
from reqtrail.features.requirements.service.document_history import document_history
from reqtrail.features.versioning.public import LAST_SEQUENCE, CommitRead, RefRead, resolve_ref
from reqtrail.platform.conditional import etag_of, json_response, not_modified
from reqtrail.platform.database.session import ReadSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter(prefix="/documents")


@router.get(
    "/{document_id}/history",
    operation_id="get_document_history",
    response_model=DocumentHistoryAnswer,
)
async def get_document_history(
    request: Request,
    document_id: UUID,
    context: HistoryReader,
    session: ReadSession,
    at: At = None,
    before: Annotated[
        int | None,
        Query(
            ge=1,
            le=LAST_SEQUENCE,
            description="Only commits with a smaller number: ``next`` of a page.",
        ),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """List the commits that touched a document, newest first: its items while they stood in it, their places, itself.

    On a branch that is what came from below it, then its own commits. A merge is one commit.
    """
    snapshot = await resolve_ref(session, context.project_id, at, context.head)
    etag = etag_of(request, snapshot.mark, str(snapshot.is_head))
    unchanged = not_modified(request, etag)
    if unchanged is not None:
        return unchanged
    found = await document_history(session, snapshot, document_id, before=before, limit=limit + 1)
    page = found[:limit]
    names = await display_names(session, {entry.commit.author_id for entry in page})
    answer = DocumentHistoryAnswer(
        ref=RefRead.of(snapshot),
        entries=[
            DocumentCommitRead(
                commit=CommitRead.of(entry.commit, names),
                previous=earlier.commit.seq if earlier else None,
                items=entry.items,
                places=entry.places,
                document=entry.document,
            )
            for entry, earlier in zip_longest(page, found[1 : limit + 1])
        ],
        next=page[-1].commit.seq if len(found) > limit else None,
    )
    return json_response(answer.model_dump(mode="json"), etag)
