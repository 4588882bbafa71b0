"""Making and changing projects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import (
    Permission,
    ProjectContext,
    Role,
    demand,
    put_member,
    show_projects,
)
from reqtrail.features.identity.public import Actor, TokenLimited, User
from reqtrail.features.projects import repository
from reqtrail.features.projects.errors import ProjectKeyTaken
from reqtrail.kit import clock
from reqtrail.kit.ids import new_id
from reqtrail.platform.auditing import describe
from reqtrail.platform.database.scope import enter_project

Initialiser = Callable[[AsyncSession, UUID, str, UUID], Awaitable[None]]
"""Called with (session, project id, key, author id) for each new project, in the transaction that makes it."""

_initialisers: list[Initialiser] = []


def register_initialiser(initialiser: Initialiser) -> None:
    """Have *initialiser* called for each new project; features above projects give it its first content."""
    if initialiser not in _initialisers:
        _initialisers.append(initialiser)


async def create_project(
    session: AsyncSession, user: User, *, key: str, name: str, description: str = ""
) -> UUID:
    """Make a project with *user* as its owner; return its id.

    Raises:
        ProjectKeyTaken: If there is a project with this key.
    """
    project_id = new_id()
    await enter_project(session, project_id)
    try:
        async with session.begin_nested():
            await repository.insert_project(
                session,
                project_id=project_id,
                key=key,
                name=name,
                description=description,
                archived=False,
                created_at=clock.now(),
                created_by=user.user_id,
            )
    except IntegrityError:
        raise ProjectKeyTaken(f"There is a project with the key {key} already.") from None
    await put_member(session, project_id, user.user_id, Role.OWNER)
    for initialiser in _initialisers:
        await initialiser(session, project_id, key, user.user_id)
    describe(
        session,
        action="project:create",
        subject=("project", key),
        project_id=project_id,
        new={"key": key, "name": name},
    )
    return project_id


async def list_projects(session: AsyncSession, user: Actor) -> list[Row[Any]]:
    """Return the projects that *user* sees.

    Raises:
        TokenLimited: If they came with a token that does not include knowing of projects.
    """
    limit = user.token.permissions if user.token else None
    if limit is not None and Permission.PROJECT_READ not in limit:
        raise TokenLimited(f"The token lacks the permission {Permission.PROJECT_READ}.")
    await show_projects(session, user)
    return await repository.list_visible(session, user)


async def get_project(session: AsyncSession, user: Actor, key: str) -> Row[Any]:
    """Return a project that *user* sees."""
    return (await repository.list_visible(session, user, key))[0]


async def patch_project(session: AsyncSession, context: ProjectContext, **values: Any) -> None:
    """Change name, description or archived; None leaves a thing as it is.

    Raises:
        Forbidden: If the project was to be archived or brought back by somebody who may not.
    """
    changes = {name: value for name, value in values.items() if value is not None}
    if "archived" in changes:
        demand(context, Permission.PROJECT_ARCHIVE)
    if changes:
        before = await get_project(session, context.actor, context.key)
        await repository.update_project(session, context.project_id, **changes)
        describe(session, old={name: getattr(before, name) for name in changes}, new=changes)
