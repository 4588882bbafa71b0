"""Projects."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from reqtrail.features.access.public import ProjectReader, ProjectUpdater, Role, permissions_of
from reqtrail.features.identity.public import Actor, Authenticated, SignedInWriter
from reqtrail.features.projects import service
from reqtrail.features.projects.schemas import Head, ProjectCreate, ProjectPatch, ProjectRead
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter(prefix="/projects", tags=["projects"])


def _read(actor: Actor, row: Row[Any]) -> ProjectRead:
    values = row._mapping
    head = Head(
        seq=values["head_seq"],
        commit=values["head_hash"].hex(),
        recorded_at=values["head_recorded_at"],
    )
    permissions = sorted(permissions_of(actor, Role(values["role"])))
    return ProjectRead(
        id=values["project_id"], head=head, permissions=permissions, **_plain(values)
    )


def _plain(values: Any) -> dict[str, Any]:
    names = ("key", "name", "description", "archived", "role", "created_at")
    return {name: values[name] for name in names}


@router.get("", operation_id="list_projects")
async def list_projects(user: Authenticated, session: ReadSession) -> list[ProjectRead]:
    """List the projects that you can see, by name."""
    return [_read(user, row) for row in await service.list_projects(session, user)]


@router.post("", operation_id="create_project", status_code=201)
async def create_project(
    body: ProjectCreate, user: SignedInWriter, session: WriteSession
) -> ProjectRead:
    """Make a project with a useful default schema; you become its owner."""
    await service.create_project(session, user, **body.model_dump())
    return _read(user, await service.get_project(session, user, body.key))


@router.get("/{project}", operation_id="get_project")
async def get_project(context: ProjectReader, session: ReadSession) -> ProjectRead:
    """Return one project."""
    return _read(context.actor, await service.get_project(session, context.actor, context.key))


@router.patch("/{project}", operation_id="update_project")
async def update_project(
    body: ProjectPatch, context: ProjectUpdater, session: WriteSession
) -> ProjectRead:
    """Rename a project, describe it, archive it or bring it back (owners)."""
    await service.patch_project(session, context, **body.model_dump())
    return _read(context.actor, await service.get_project(session, context.actor, context.key))
