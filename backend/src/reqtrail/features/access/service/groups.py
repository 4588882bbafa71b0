"""Groups: who is in them, and the roles that they have in projects."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.errors import GroupNameTaken, GroupNotFound, MemberNotFound
from reqtrail.features.access.repository import groups as repository
from reqtrail.features.access.repository.entering import show_projects
from reqtrail.features.access.service import keep_an_owner
from reqtrail.features.access.types import Group, GroupGrant, GroupMember, ProjectContext, Role
from reqtrail.features.identity.public import (
    Actor,
    Credential,
    UserNotFound,
    authenticate,
    find_by_email,
    find_user,
)
from reqtrail.kit import clock
from reqtrail.kit.errors import Forbidden
from reqtrail.kit.ids import new_id
from reqtrail.platform.auditing import describe

_HIDDEN = "Check the group's id, or ask an administrator to take you into it."


async def authorise_group(
    session: AsyncSession, credential: Credential, group_id: UUID, *, manage: bool
) -> tuple[Actor, Group]:
    """Return who *credential* proves, and a group that they may know of or, to *manage*, decide about.

    Raises:
        TokenInvalid: If the credential was revoked or the account is switched off.
        GroupNotFound: If there is no such group that they may know of.
        Forbidden: If they are in it, but do not manage it.
    """
    actor = await authenticate(session, credential)
    group = await repository.find_group(session, actor, group_id)
    if group is None:
        raise GroupNotFound(_HIDDEN)
    if manage and not group.manages:
        raise Forbidden("Only those who manage the group may do this.")
    return actor, group


async def list_groups(session: AsyncSession, actor: Actor) -> list[Group]:
    """Return the groups that *actor* may know of: their own, and all for an administrator."""
    return await repository.list_groups(session, actor)


async def create_group(
    session: AsyncSession, actor: Actor, *, name: str, description: str
) -> Group:
    """Make a group without members.

    Raises:
        GroupNameTaken: If there is one with this name.
    """
    await _ask_for_name(session, name)
    group_id = new_id()
    await repository.insert_group(
        session, group_id=group_id, name=name, description=description, created_at=clock.now()
    )
    describe(session, subject=("group", group_id), new={"name": name, "description": description})
    return await _get(session, actor, group_id)


async def patch_group(session: AsyncSession, actor: Actor, group: Group, **values: Any) -> Group:
    """Rename or describe a group; None leaves a thing as it is.

    Raises:
        GroupNameTaken: If another one has this name.
    """
    changes = {name: value for name, value in values.items() if value is not None}
    if "name" in changes:
        await _ask_for_name(session, changes["name"], group.group_id)
    if changes:
        await repository.update_group(session, group.group_id, **changes)
    old = {name: getattr(group, name) for name in changes}
    describe(session, subject=("group", group.group_id), old=old, new=changes)
    return await _get(session, actor, group.group_id)


async def delete_group(session: AsyncSession, actor: Actor, group_id: UUID) -> None:
    """Remove a group; what its members had through it ends.

    Raises:
        GroupNotFound: If there is none.
        LastOwner: If nobody would own a project.
    """
    group = await _get(session, actor, group_id)
    members = [member.user_id for member in await repository.list_group_members(session, group_id)]
    describe(session, subject=("group", group_id), old={"name": group.name, "members": members})
    await show_projects(session, actor)
    owned = await repository.list_owned_projects(session, group_id)
    async with keep_an_owner(session, owned, enters=True):
        await repository.delete_group(session, group_id)


async def list_group_members(session: AsyncSession, group_id: UUID) -> list[GroupMember]:
    """Return the members of a group by name."""
    return await repository.list_group_members(session, group_id)


async def put_group_member(
    session: AsyncSession, group_id: UUID, user_id: UUID, *, manages: bool
) -> GroupMember:
    """Take an account into a group, or change what it is there.

    Raises:
        UserNotFound: If there is no such account.
    """
    user = await find_user(session, user_id)
    if user is None:
        raise UserNotFound("There is no such account.")
    before = await repository.find_group_member(session, group_id, user_id)
    await repository.put_group_member(session, group_id, user_id, manages, clock.now())
    describe(
        session,
        action="group-member:put",
        subject=("group", group_id),
        old={} if before is None else {"user": user_id, "manages": before},
        new={"user": user_id, "manages": manages},
    )
    return GroupMember(user.user_id, user.email, user.display_name, manages)


async def add_group_member(
    session: AsyncSession, group_id: UUID, email: str, *, manages: bool
) -> GroupMember:
    """Take the account with an address into a group.

    Raises:
        UserNotFound: If no account has it.
    """
    user = await find_by_email(session, email)
    return await put_group_member(session, group_id, user.user_id, manages=manages)


async def remove_group_member(
    session: AsyncSession, actor: Actor, group_id: UUID, user_id: UUID
) -> None:
    """Take an account out of a group.

    Raises:
        MemberNotFound: If it is not in it.
        LastOwner: If nobody would own a project of the group.
    """
    await show_projects(session, actor)
    owned = await repository.list_owned_projects(session, group_id)
    describe(
        session,
        action="group-member:remove",
        subject=("group", group_id),
        old={"user": user_id},
    )
    async with keep_an_owner(session, owned, enters=True):
        if not await repository.delete_group_member(session, group_id, user_id):
            raise MemberNotFound("The user is not in this group.")


async def list_grants(session: AsyncSession, project_id: UUID) -> list[GroupGrant]:
    """Return the groups that have a role in a project, by name."""
    return await repository.list_grants(session, project_id)


async def put_grant(
    session: AsyncSession, context: ProjectContext, group_id: UUID, role: Role
) -> GroupGrant:
    """Give a group a role in a project, whatever it was before.

    Raises:
        GroupNotFound: If there is no such group that the actor may know of.
        LastOwner: If nobody would own the project.
    """
    project_id = context.project_id
    if not await repository.can_be_granted(session, context.actor, project_id, group_id):
        raise GroupNotFound(_HIDDEN)
    before = await repository.find_grant(session, project_id, group_id)
    async with keep_an_owner(session, [project_id]):
        await repository.put_grant(session, project_id, group_id, role, clock.now())
    describe(
        session,
        subject=("group", group_id),
        old={"role": before} if before else None,
        new={"role": role},
    )
    grants = await repository.list_grants(session, project_id)
    return next(grant for grant in grants if grant.group_id == group_id)


async def remove_grant(session: AsyncSession, project_id: UUID, group_id: UUID) -> None:
    """Take a group's role in a project away.

    Raises:
        GroupNotFound: If it has none.
        LastOwner: If nobody would own the project.
    """
    before = await repository.find_grant(session, project_id, group_id)
    describe(session, subject=("group", group_id), old={"role": before})
    async with keep_an_owner(session, [project_id]):
        if not await repository.delete_grant(session, project_id, group_id):
            raise GroupNotFound("The group has no role in this project.")


async def _get(session: AsyncSession, actor: Actor, group_id: UUID) -> Group:
    group = await repository.find_group(session, actor, group_id)
    if group is None:
        raise GroupNotFound(_HIDDEN)
    return group


async def _ask_for_name(session: AsyncSession, name: str, but: UUID | None = None) -> None:
    if await repository.name_is_taken(session, name, but):
        raise GroupNameTaken("Choose another name.")
