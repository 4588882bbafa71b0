"""Who is in a project, and what they may do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access import repository
from reqtrail.features.access.errors import (
    LastOwner,
    MemberNotFound,
    ProjectArchived,
    ProjectNotFound,
    ReadingRestricted,
)
from reqtrail.features.access.repository.acting import find_acting
from reqtrail.features.access.service.withholding import withhold
from reqtrail.features.access.types import (
    CHANGES_CONTENT,
    PERMISSIONS,
    Member,
    Permission,
    ProjectContext,
    Role,
)
from reqtrail.features.identity.public import (
    Credential,
    Link,
    TokenInvalid,
    TokenLimited,
    User,
    UserNotFound,
    find_user,
    identify_actor,
    invite,
)
from reqtrail.kit import clock
from reqtrail.kit.errors import Forbidden
from reqtrail.platform.auditing import describe
from reqtrail.platform.database.scope import enter_project
from reqtrail.platform.settings import Settings


async def authorise(
    session: AsyncSession,
    credential: Credential,
    key: str,
    permission: Permission,
    *,
    whole: bool = True,
) -> ProjectContext:
    """Return the project called *key*, if *credential* proves somebody who has *permission* in it.

    Args:
        whole: Whether the route reads, or rewrites, whatever the project holds, so that nothing may be withheld.

    Raises:
        TokenInvalid: If the credential was revoked or the account is switched off.
        ProjectNotFound: If there is no such project that they see.
        Forbidden: If they see it, but lack the permission.
        ReadingRestricted: If the route needs the whole project, and something of it is withheld from them.
        ProjectArchived: If content of an archived project was to be changed.
    """
    actor, project = await repository.find_visible_project(session, credential, key)
    if actor is None:
        raise TokenInvalid("Your sign-in is no longer valid. Sign in again.")
    identify_actor(session, actor, credential, project.project_id if project else None)
    if project is None:
        raise ProjectNotFound("Check the project's key, or ask an owner to make you a member.")
    _permit(session, project, permission, whole=whole)
    return project


async def authorise_acting(
    session: AsyncSession,
    user_id: UUID,
    project_id: UUID,
    permission: Permission,
    *,
    whole: bool = True,
) -> ProjectContext:
    """Return the project that *session* has entered, if an account has *permission* in it at this moment.

    For what a worker does on somebody's behalf: since they asked for it their role may have gone. What a token that
    they came with was limited to is not known any more; the request that asked was refused by it.

    Raises:
        ProjectNotFound, Forbidden, ReadingRestricted, ProjectArchived: As :func:`authorise` does.
    """
    project = await find_acting(session, user_id, project_id)
    if project is None:
        raise ProjectNotFound("The account has no access to the project any more.")
    _permit(session, project, permission, whole=whole)
    return project


def _permit(
    session: AsyncSession, project: ProjectContext, permission: Permission, *, whole: bool
) -> None:
    demand(project, permission)
    if whole and project.withheld:
        raise ReadingRestricted(
            "This needs the whole project, and some of it may not be read by you. Ask an owner to do it, or to let"
            " you read everything."
        )
    withhold(session, project.withheld)
    if permission in CHANGES_CONTENT and project.archived:
        raise ProjectArchived("An owner can take it out of the archive.")


def demand(project: ProjectContext, permission: Permission) -> None:
    """Refuse whoever lacks *permission* in *project*.

    Raises:
        Forbidden: If their role does not include it.
        TokenLimited: If the token that they came with does not.
    """
    if project.may(permission):
        return
    if permission in PERMISSIONS[project.role]:
        raise TokenLimited(f"The token lacks the permission {permission}.")
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
    if await find_user(session, user_id) is None:
        raise UserNotFound("There is no such account.")
    before = await repository.find_role(session, project_id, user_id)
    async with keep_an_owner(session, [project_id]):
        await repository.put_membership(session, project_id, user_id, role, clock.now())
    describe(
        session,
        action="member:put",
        subject=("user", user_id),
        old={"role": before} if before else None,
        new={"role": role},
    )
    members = await repository.list_members(session, project_id)
    return next(member for member in members if member.user_id == user_id)


async def remove_member(session: AsyncSession, project_id: UUID, user_id: UUID) -> None:
    """Take a user out of a project.

    Raises:
        MemberNotFound: If they are not in it.
        LastOwner: If nobody would own the project.
    """
    before = await repository.find_role(session, project_id, user_id)
    describe(session, action="member:remove", subject=("user", user_id), old={"role": before})
    async with keep_an_owner(session, [project_id]):
        if not await repository.delete_membership(session, project_id, user_id):
            raise MemberNotFound(
                "The user has no role of their own here. Who is here through a group leaves with the group."
            )


async def invite_member(
    session: AsyncSession, settings: Settings, project: ProjectContext, email: str, role: Role
) -> Link:
    """Mail an invitation to a project. Whether the address has an account is told to its owner alone."""
    details = {"place": f"{project.name} ({project.key})", "role": role.value}
    return await invite(
        session, settings, project.actor, email, scope=project.project_id, details=details
    )


async def accept_membership(session: AsyncSession, link: Link, user: User) -> None:
    """Make *user* a member with the role of the invitation; a member keeps the role that they have."""
    assert link.scope is not None
    describe(session, project_id=link.scope)
    role = Role(link.details["role"])
    await enter_project(session, link.scope)
    await repository.add_membership(session, link.scope, user.user_id, role, clock.now())


@asynccontextmanager
async def keep_an_owner(
    session: AsyncSession, project_ids: Iterable[UUID], *, enters: bool = False
) -> AsyncIterator[None]:
    """Refuse what happens inside if a project is left without an active owner by it.

    Ownership through a group counts. A project that had none before is left alone: whoever repairs it must be able to.

    Args:
        enters: Whether the transaction reaches none of the projects yet, such as those of a group.

    Raises:
        LastOwner: If nobody would own one of the projects.
    """
    owned = []
    for project_id in sorted(project_ids):
        await repository.lock_roles(session, project_id)
        if enters:
            await enter_project(session, project_id)
        if await repository.find_owners(session, project_id):
            owned.append(project_id)
    yield
    for project_id in owned:
        if enters:
            await enter_project(session, project_id)
        if not await repository.find_owners(session, project_id):
            raise LastOwner("Make somebody else an owner first.")
