"""Which documents and attributes of a project not every member may read, and who may."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.errors import GroupNotFound, RestrictionNotFound
from reqtrail.features.access.repository import groups
from reqtrail.features.access.repository import restrictions as repository
from reqtrail.features.access.types import ReadRestriction, Role
from reqtrail.kit import clock
from reqtrail.platform.auditing import describe


async def list_restrictions(session: AsyncSession, project_id: UUID) -> list[ReadRestriction]:
    """Return what of a project not every member may read, the oldest first."""
    return await repository.list_restrictions(session, project_id)


async def put_restriction(
    session: AsyncSession,
    project_id: UUID,
    entity_id: UUID,
    kind: str,
    roles: Collection[Role],
    group_ids: Collection[UUID],
) -> ReadRestriction:
    """Let only owners, *roles* and groups read an entity of the project, whatever was said before.

    The caller knows that the entity is there and can be restricted.

    Raises:
        GroupNotFound: If a group has no role in the project: its members could not read anything of it.
    """
    known = {grant.group_id for grant in await groups.list_grants(session, project_id)}
    if not known.issuperset(group_ids):
        raise GroupNotFound("Only groups that have a role in the project can be named.")
    before = await _find(session, project_id, entity_id)
    await repository.put_restriction(
        session,
        project_id=project_id,
        entity_id=entity_id,
        kind=kind,
        roles=sorted(role.value for role in roles),
        group_ids=sorted(group_ids),
        created_at=clock.now(),
    )
    made = await _find(session, project_id, entity_id)
    assert made is not None
    describe(
        session,
        action="restriction:put",
        subject=(kind, entity_id),
        old=_shown(before) if before else None,
        new=_shown(made),
    )
    return made


async def lift_restriction(session: AsyncSession, project_id: UUID, entity_id: UUID) -> None:
    """Let every member read an entity again.

    Raises:
        RestrictionNotFound: If they may already.
    """
    before = await _find(session, project_id, entity_id)
    if before is None:
        raise RestrictionNotFound("Every member of the project may read this.")
    await repository.delete_restriction(session, project_id, entity_id)
    describe(
        session,
        action="restriction:lift",
        subject=(before.kind, entity_id),
        old=_shown(before),
    )


async def _find(session: AsyncSession, project_id: UUID, entity_id: UUID) -> ReadRestriction | None:
    found = await repository.list_restrictions(session, project_id, entity_id)
    return found[0] if found else None


def _shown(restriction: ReadRestriction) -> dict[str, list[str]]:
    return {
        "roles": [role.value for role in restriction.roles],
        "groups": [name for _, name in restriction.groups],
    }
