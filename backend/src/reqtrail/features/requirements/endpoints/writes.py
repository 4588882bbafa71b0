"""The write door: any number of operations as one commit."""

from __future__ import annotations

from fastapi import Response

from reqtrail.features.access.public import ItemWriter
from reqtrail.features.requirements.schemas import CommitAnswer, CommitWrite, OperationWrite
from reqtrail.features.requirements.service.touched import touched_items
from reqtrail.features.requirements.service.writes import Position, Write, write
from reqtrail.features.versioning.public import MAIN, BranchName, edit_request, outcome
from reqtrail.platform.conditional import json_response
from reqtrail.platform.database.session import WriteSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter()


@router.post("/commits", operation_id="commit", status_code=201, response_model=CommitAnswer)
async def post_commit(
    body: CommitWrite, context: ItemWriter, session: WriteSession, branch: BranchName = MAIN
) -> Response:
    """Apply operations atomically as one commit.

    What others changed since ``base`` is merged field by field and word by word. If the same thing was changed
    differently, nothing is written and the 409 lists base, ours and theirs for each field in conflict.
    """
    request = edit_request(context, branch, body.message, base_seq=body.base)
    result = await write(session, request, [_write(item) for item in body.operations])
    snapshot = result.snapshot
    content = outcome(result).model_dump()
    content["items"] = await touched_items(session, snapshot, result)
    return json_response(content, status=201)


def _write(item: OperationWrite) -> Write:
    return Write(
        op=item.op,
        kind=item.kind,
        entity_id=item.id,
        fields=item.fields,
        position=Position(**item.position.model_dump()) if item.position else None,
        base_seq=item.base,
        from_seq=item.from_seq,
        with_items=item.items,
    )
