"""Which documents and attributes not every member may read: for owners."""

from __future__ import annotations

from uuid import UUID

from reqtrail.features.access.public import (
    RestrictionManager,
    RestrictionPut,
    RestrictionRead,
    RestrictionReader,
)
from reqtrail.features.requirements.service import restrictions as service
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter(prefix="/restrictions")


@router.get("", operation_id="list_restrictions")
async def list_restrictions(
    context: RestrictionReader, session: ReadSession
) -> list[RestrictionRead]:
    """List the documents and attributes that not every member may read (owners)."""
    return await service.list_named(session, context.project_id)


@router.put("/{entity_id}", operation_id="put_restriction")
async def put_restriction(
    entity_id: UUID, body: RestrictionPut, context: RestrictionManager, session: WriteSession
) -> RestrictionRead:
    """Let only owners and those who are named read a document, or the values of an attribute (owners)."""
    return await service.put_named(
        session, context.project_id, entity_id, body.roles, body.group_ids
    )


@router.delete("/{entity_id}", operation_id="lift_restriction", status_code=204)
async def lift_restriction(
    entity_id: UUID, context: RestrictionManager, session: WriteSession
) -> None:
    """Let every member read a document, or the values of an attribute, again (owners)."""
    await service.lift(session, context.project_id, entity_id)
