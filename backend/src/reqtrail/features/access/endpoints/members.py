"""Members of a project."""

from __future__ import annotations

from uuid import UUID

from reqtrail.features.access import service
from reqtrail.features.access.deps import InvitationReader, MemberManager, MemberReader
from reqtrail.features.access.schemas import (
    MemberInvitation,
    MemberInvite,
    MemberPut,
    MemberRead,
)
from reqtrail.features.identity.public import AppSettings, open_invitations, withdraw
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter()
members = ApiRouter(prefix="/projects/{project}/members")
invitations = ApiRouter(prefix="/projects/{project}/invitations")


@members.get("", operation_id="list_members")
async def list_members(context: MemberReader, session: ReadSession) -> list[MemberRead]:
    """List the members of a project."""
    members = await service.list_members(session, context.project_id)
    return [MemberRead.model_validate(member) for member in members]


@members.put("/{user_id}", operation_id="put_member")
async def put_member(
    user_id: UUID, body: MemberPut, context: MemberManager, session: WriteSession
) -> MemberRead:
    """Make an account a member, or change its role (owners)."""
    member = await service.put_member(session, context.project_id, user_id, body.role)
    return MemberRead.model_validate(member)


@members.delete("/{user_id}", operation_id="remove_member", status_code=204)
async def remove_member(user_id: UUID, context: MemberManager, session: WriteSession) -> None:
    """End a membership (owners)."""
    await service.remove_member(session, context.project_id, user_id)


@invitations.get("", operation_id="list_member_invitations")
async def list_member_invitations(
    context: InvitationReader, session: ReadSession
) -> list[MemberInvitation]:
    """List the open invitations to a project (owners)."""
    found = await open_invitations(session, context.project_id)
    return [MemberInvitation.model_validate({**vars(link), **link.details}) for link in found]


@invitations.post("", operation_id="invite_member", status_code=201)
async def invite_member(
    body: MemberInvite, context: MemberManager, settings: AppSettings, session: WriteSession
) -> MemberInvitation:
    """Invite somebody to a project by mail (owners); they need no account yet."""
    link = await service.invite_member(session, settings, context, body.email, body.role)
    return MemberInvitation.model_validate({**vars(link), **link.details})


@invitations.delete("/{invitation_id}", operation_id="withdraw_member_invitation", status_code=204)
async def withdraw_member_invitation(
    invitation_id: UUID, context: MemberManager, session: WriteSession
) -> None:
    """End an open invitation to a project (owners)."""
    await withdraw(session, invitation_id, context.project_id)


router.include_router(members)
router.include_router(invitations)
