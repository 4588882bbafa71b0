"""Who is in a project, and what they may do."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access import repository
from reqtrail.features.access.errors import (
    LastOwner,
    MemberNotFound,
    ProjectArchived,
    ProjectNotFound,
)
from reqtrail.features.access.types import CHANGES_CONTENT, Member, Permission, ProjectContext, Role
from reqtrail.features.identity.public import Credential, TokenInvalid, UserNotFound, find_user
from reqtrail.kit import clock
from reqtrail.kit.errors import Forbidden


async def authorise(
    session: AsyncSession, credential: Credential, key: str, permission: Permission
) -> ProjectContext:
    """Return the project called *key*, if *credential* proves somebody who has *permission* in it.

    Raises:
        TokenInvalid: If the credential was revoked or the account is switched off.
        ProjectNotFound: If there is no such project that they see.
        Forbidden: If they see it, but lack the permission.
        ProjectArchived: If content of an archived project was to be changed.
    """
    actor, project = await repository.find_visible_project(session, credential, key)
    if actor is None:
        raise TokenInvalid("Your sign-in is no longer valid. Sign in again.")
    if project is None:
        raise ProjectNotFound("Check the project's key, or ask an owner to make you a member.")
    demand(project, permission)
    if permission in CHANGES_CONTENT and project.archived:
        raise ProjectArchived("An owner can take it out of the archive.")
    return project


def demand(project: ProjectContext, permission: Permission) -> None:
    """Refuse whoever lacks *permission* in *project*.

    Raises:
        Forbidden: If they do.
    """
    if not project.may(permission):
        raise Forbidden(
            f"This needs the permission {permission}. Your role here is {project.role};"
            " ask an owner of the project for more."
        )


async def list_members(session: AsyncSession, project_id: UUID) -> list[Member]:
    """Return the members of a project by name."""
    return await repository.list_members(session, project_id)


async def put_member(session: AsyncSession, project_id: UUID, user_id: UUID, role: Role) -> Member:
    """Give a user a role in a project, whatever it was before.

    Raises:
        UserNotFound: If there is no such user.
        LastOwner: If nobody would own the project.
    """
    user = await find_user(session, user_id)
    if user is None:
        raise UserNotFound("There is no such account.")
    if role is not Role.OWNER:
        await _keep_an_owner(session, project_id, user_id)
    await repository.put_membership(session, project_id, user_id, role, clock.now())
    return Member(user.user_id, user.email, user.display_name, role)


async def remove_member(session: AsyncSession, project_id: UUID, user_id: UUID) -> None:
    """Take a user out of a project.

    Raises:
        MemberNotFound: If they are not in it.
        LastOwner: If nobody would own the project.
    """
    await _keep_an_owner(session, project_id, user_id)
    if not await repository.delete_membership(session, project_id, user_id):
        raise MemberNotFound("The user is not in this project.")


async def _keep_an_owner(session: AsyncSession, project_id: UUID, leaving: UUID) -> None:
    if await repository.lock_owners(session, project_id) == {leaving}:
        raise LastOwner("Make another member an owner first.")
