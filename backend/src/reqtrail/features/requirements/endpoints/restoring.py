"""Restores of documents, parts of them and items from any version, and what they would change."""

from __future__ import annotations

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import ProjectContext, WholeDocumentReader, WholeWriter
from reqtrail.features.requirements.errors import WriteInvalid
from reqtrail.features.requirements.schemas import RestorePreview, ScopeRestore, ScopeWrite
from reqtrail.features.requirements.service.items import resolve_item
from reqtrail.features.requirements.service.restore_plan import Scope
from reqtrail.features.requirements.service.restoring import rehearse_restore, restore
from reqtrail.features.versioning.public import (
    MAIN,
    BranchName,
    CommitOutcome,
    EntityChangeRead,
    RefRead,
    edit_request,
    outcome,
    resolve_ref,
)
from reqtrail.platform.conditional import json_response
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter()


@router.post("/restore", operation_id="restore", status_code=201)
async def post_restore(
    body: ScopeRestore, context: WholeWriter, session: WriteSession, branch: BranchName = MAIN
) -> CommitOutcome:
    """Bring a document, a placement with all below it, or an item back to its state at a version, as a new commit.

    Types, attributes, links and files that it needs and that are gone come back too; what was added later stays. What
    others changed since ``base`` is merged; the same thing changed differently is a 409, and nothing is written.
    """
    scope = await _scope(session, context, body)
    source = await resolve_ref(session, context.project_id, body.at)
    request = edit_request(context, branch, body.message, body.base, kind="restore")
    return outcome(await restore(session, request, source, scope))


@router.post("/restore-preview", operation_id="preview_restore", response_model=RestorePreview)
async def post_restore_preview(
    body: ScopeWrite, context: WholeDocumentReader, session: ReadSession, branch: BranchName = MAIN
) -> Response:
    """Say what a restore would change. Nothing is written."""
    scope = await _scope(session, context, body)
    source = await resolve_ref(session, context.project_id, body.at)
    request = edit_request(context, branch, "", body.base, kind="restore")
    found = await rehearse_restore(session, request, source, scope)
    shown = RestorePreview(
        ref=RefRead.of(found.head),
        source=RefRead.of(source),
        message=found.message,
        merged=found.merged,
        changes=[EntityChangeRead.model_validate(change) for change in found.changes],
    )
    return json_response(shown.model_dump(mode="json"))


async def _scope(session: AsyncSession, context: ProjectContext, body: ScopeWrite) -> Scope:
    given = [
        Scope(kind, entity_id)
        for kind, entity_id in (("document", body.document_id), ("placement", body.placement_id))
        if entity_id is not None
    ]
    if body.item is not None:
        given.append(Scope("item", await resolve_item(session, context.project_id, body.item)))
    if len(given) != 1:
        raise WriteInvalid("A restore takes exactly one of document_id, placement_id and item.")
    return given[0]
