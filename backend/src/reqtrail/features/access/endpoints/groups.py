"""Groups of accounts, and their roles in projects."""

from __future__ import annotations

from uuid import UUID

from reqtrail.features.access.deps import (
    GroupManager,
    GroupReader,
    MemberManager,
    MemberReader,
)
from reqtrail.features.access.schemas import (
    GrantPut,
    GrantRead,
    GroupCreate,
    GroupMemberAdd,
    GroupMemberPut,
    GroupMemberRead,
    GroupPatch,
    GroupRead,
)
from reqtrail.features.access.service import groups as service
from reqtrail.features.identity.public import AdministratorWriter, SignedIn
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter()


@router.get("/groups", operation_id="list_groups")
async def list_groups(user: SignedIn, session: ReadSession) -> list[GroupRead]:
    """List the groups that you are in; administrators see all."""
    return [GroupRead.model_validate(group) for group in await service.list_groups(session, user)]


@router.post("/groups", operation_id="create_group", status_code=201)
async def create_group(
    body: GroupCreate, user: AdministratorWriter, session: WriteSession
) -> GroupRead:
    """Make a group (administrators)."""
    made = await service.create_group(session, user, **body.model_dump())
    return GroupRead.model_validate(made)


@router.patch("/groups/{group_id}", operation_id="update_group")
async def update_group(body: GroupPatch, group: GroupManager, session: WriteSession) -> GroupRead:
    """Rename or describe a group (its managers)."""
    changed = await service.patch_group(session, group.actor, group.group, **body.model_dump())
    return GroupRead.model_validate(changed)


@router.delete("/groups/{group_id}", operation_id="delete_group", status_code=204)
async def delete_group(group_id: UUID, user: AdministratorWriter, session: WriteSession) -> None:
    """Remove a group; what its members had through it ends (administrators)."""
    await service.delete_group(session, user, group_id)


@router.get("/groups/{group_id}/members", operation_id="list_group_members")
async def list_group_members(group: GroupReader, session: ReadSession) -> list[GroupMemberRead]:
    """List the members of a group (its members)."""
    found = await service.list_group_members(session, group.group.group_id)
    return [GroupMemberRead.model_validate(member) for member in found]


@router.post("/groups/{group_id}/members", operation_id="add_group_member", status_code=201)
async def add_group_member(
    body: GroupMemberAdd, group: GroupManager, session: WriteSession
) -> GroupMemberRead:
    """Take the account with an address into a group (its managers)."""
    added = await service.add_group_member(
        session, group.group.group_id, body.email, manages=body.manages
    )
    return GroupMemberRead.model_validate(added)


@router.put("/groups/{group_id}/members/{user_id}", operation_id="put_group_member")
async def put_group_member(
    user_id: UUID, body: GroupMemberPut, group: GroupManager, session: WriteSession
) -> GroupMemberRead:
    """Take an account into a group, or say whether it manages the group (its managers)."""
    put = await service.put_group_member(
        session, group.group.group_id, user_id, manages=body.manages
    )
    return GroupMemberRead.model_validate(put)


@router.delete(
    "/groups/{group_id}/members/{user_id}", operation_id="remove_group_member", status_code=204
)
async def remove_group_member(user_id: UUID, group: GroupManager, session: WriteSession) -> None:
    """Take an account out of a group (its managers)."""
    await service.remove_group_member(session, group.actor, group.group.group_id, user_id)


@router.get("/projects/{project}/groups", operation_id="list_project_groups")
async def list_project_groups(context: MemberReader, session: ReadSession) -> list[GrantRead]:
    """List the groups that have a role in a project."""
    found = await service.list_grants(session, context.project_id)
    return [GrantRead.model_validate(grant) for grant in found]


@router.put("/projects/{project}/groups/{group_id}", operation_id="put_project_group")
async def put_project_group(
    group_id: UUID, body: GrantPut, context: MemberManager, session: WriteSession
) -> GrantRead:
    """Give a group a role in a project (owners). You must be in the group, or be an administrator."""
    put = await service.put_grant(session, context, group_id, body.role)
    return GrantRead.model_validate(put)


@router.delete(
    "/projects/{project}/groups/{group_id}", operation_id="remove_project_group", status_code=204
)
async def remove_project_group(
    group_id: UUID, context: MemberManager, session: WriteSession
) -> None:
    """Take a group's role in a project away (owners)."""
    await service.remove_grant(session, context.project_id, group_id)
