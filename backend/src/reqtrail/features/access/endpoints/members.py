"""Members of a project."""

from __future__ import annotations

from uuid import UUID

from reqtrail.features.access import service
from reqtrail.features.access.deps import MemberManager, MemberReader
from reqtrail.features.access.schemas import MemberPut, MemberRead
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter(prefix="/projects/{project}/members")


@router.get("", operation_id="list_members")
async def list_members(context: MemberReader, session: ReadSession) -> list[MemberRead]:
    """List the members of a project."""
    members = await service.list_members(session, context.project_id)
    return [MemberRead.model_validate(member) for member in members]


@router.put("/{user_id}", operation_id="put_member")
async def put_member(
    user_id: UUID, body: MemberPut, context: MemberManager, session: WriteSession
) -> MemberRead:
    """Make an account a member, or change its role (owners)."""
    member = await service.put_member(session, context.project_id, user_id, body.role)
    return MemberRead.model_validate(member)


@router.delete("/{user_id}", operation_id="remove_member", status_code=204)
async def remove_member(user_id: UUID, context: MemberManager, session: WriteSession) -> None:
    """End a membership (owners)."""
    await service.remove_member(session, context.project_id, user_id)
