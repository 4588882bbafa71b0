"""Baselines: names for states that never change."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import ProjectEditor, ProjectReader
from reqtrail.features.identity.public import display_names
from reqtrail.features.versioning.errors import RefNotFound
from reqtrail.features.versioning.schemas import BaselineCreate, BaselineList, BaselineRead
from reqtrail.features.versioning.service.branches import create_baseline, list_baselines
from reqtrail.platform.conditional import json_response
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter()


@router.get("/baselines", operation_id="list_baselines", response_model=BaselineList)
async def get_baselines(context: ProjectReader, session: ReadSession) -> Response:
    """List the baselines of a project, newest first."""
    found = await list_baselines(session, context.project_id)
    names = await display_names(session, {item.made.author_id for item in found})
    listed = BaselineList(baselines=[BaselineRead.of(item, names) for item in found])
    return json_response(listed.model_dump(mode="json"))


@router.post("/baselines", operation_id="create_baseline", status_code=201)
async def post_baseline(
    body: BaselineCreate, context: ProjectEditor, session: WriteSession
) -> BaselineRead:
    """Give a version a name for good."""
    baseline_id = await create_baseline(
        session,
        context.project_id,
        context.actor.user_id,
        body.name,
        body.ref,
        body.description,
    )
    return await _read(session, context.project_id, baseline_id)


@router.get("/baselines/{baseline_id}", operation_id="get_baseline")
async def get_baseline(
    baseline_id: UUID, context: ProjectReader, session: ReadSession
) -> BaselineRead:
    """Return one baseline."""
    return await _read(session, context.project_id, baseline_id)


async def _read(session: AsyncSession, project_id: UUID, baseline_id: UUID) -> BaselineRead:
    found = await list_baselines(session, project_id, baseline_id)
    if not found:
        raise RefNotFound("There is no such baseline in this project.")
    names = await display_names(session, {found[0].made.author_id})
    return BaselineRead.of(found[0], names)
