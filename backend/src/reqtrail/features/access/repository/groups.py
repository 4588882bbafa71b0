"""Every query of groups and of the roles that they give."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as insert_if_free
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.tables import group_grants, group_members, groups
from reqtrail.features.access.types import Group, GroupGrant, GroupMember, Role
from reqtrail.features.identity.public import Actor
from reqtrail.platform.database.metadata import metadata

_member_count = (
    select(func.count())
    .select_from(group_members)
    .where(group_members.c.group_id == groups.c.group_id)
    .correlate(groups)
    .scalar_subquery()
)


def _visible_groups(actor: Actor) -> Select[Any]:
    """Return the query of the groups that *actor* may know of: their own, and all for an administrator."""
    own = group_members.c.user_id == actor.user_id
    manages: Any = literal(True) if actor.is_administrator else group_members.c.manages
    statement = select(
        groups.c.group_id,
        groups.c.name,
        groups.c.description,
        _member_count.label("member_count"),
        manages.label("manages"),
    )
    if actor.is_administrator:
        return statement
    return statement.join(group_members, group_members.c.group_id == groups.c.group_id).where(own)


async def list_groups(session: AsyncSession, actor: Actor) -> list[Group]:
    """Return the groups that *actor* may know of by name."""
    rows = await session.execute(_visible_groups(actor).order_by(groups.c.name))
    return [Group(**row._mapping) for row in rows]


async def find_group(session: AsyncSession, actor: Actor, group_id: UUID) -> Group | None:
    """Return a group, if *actor* may know of it."""
    statement = _visible_groups(actor).where(groups.c.group_id == group_id)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else Group(**row._mapping)


async def name_is_taken(session: AsyncSession, name: str, but: UUID | None = None) -> bool:
    """Return whether another group than *but* has a name, in whatever case."""
    statement = select(groups.c.group_id).where(func.lower(groups.c.name) == func.lower(name))
    if but is not None:
        statement = statement.where(groups.c.group_id != but)
    return await session.scalar(statement.limit(1)) is not None


async def insert_group(session: AsyncSession, **values: Any) -> None:
    """Make a group."""
    await session.execute(insert(groups).values(**values))


async def update_group(session: AsyncSession, group_id: UUID, **values: Any) -> None:
    """Change columns of a group."""
    await session.execute(update(groups).where(groups.c.group_id == group_id).values(**values))


async def delete_group(session: AsyncSession, group_id: UUID) -> None:
    """Remove a group with its members and the roles that it gave."""
    for table in (group_grants, group_members, groups):
        await session.execute(delete(table).where(table.c.group_id == group_id))


async def list_group_members(session: AsyncSession, group_id: UUID) -> list[GroupMember]:
    """Return the members of a group by name."""
    users = metadata.tables["users"]
    rows = await session.execute(
        select(users.c.user_id, users.c.email, users.c.display_name, group_members.c.manages)
        .join(group_members, group_members.c.user_id == users.c.user_id)
        .where(group_members.c.group_id == group_id)
        .order_by(users.c.display_name, users.c.user_id)
    )
    return [GroupMember(**row._mapping) for row in rows]


async def put_group_member(
    session: AsyncSession, group_id: UUID, user_id: UUID, manages: bool, now: datetime
) -> None:
    """Take an account into a group, or change what it is there."""
    await session.execute(
        insert_if_free(group_members)
        .values(group_id=group_id, user_id=user_id, manages=manages, created_at=now)
        .on_conflict_do_update(index_elements=["group_id", "user_id"], set_={"manages": manages})
    )


async def delete_group_member(session: AsyncSession, group_id: UUID, user_id: UUID) -> bool:
    """Take an account out of a group; return whether it was in it."""
    gone = await session.scalar(
        delete(group_members)
        .where(group_members.c.group_id == group_id, group_members.c.user_id == user_id)
        .returning(group_members.c.user_id)
    )
    return gone is not None


async def list_owned_projects(session: AsyncSession, group_id: UUID) -> list[UUID]:
    """Return the projects in which a group is an owner."""
    rows = await session.scalars(
        select(group_grants.c.project_id).where(
            group_grants.c.group_id == group_id, group_grants.c.role == Role.OWNER
        )
    )
    return list(rows)


async def list_grants(session: AsyncSession, project_id: UUID) -> list[GroupGrant]:
    """Return the groups that have a role in a project, by name."""
    rows = await session.execute(
        select(
            groups.c.group_id,
            groups.c.name,
            group_grants.c.role,
            _member_count.label("member_count"),
        )
        .join(group_grants, group_grants.c.group_id == groups.c.group_id)
        .where(group_grants.c.project_id == project_id)
        .order_by(groups.c.name)
    )
    return [GroupGrant(row.group_id, row.name, Role(row.role), row.member_count) for row in rows]


async def can_be_granted(
    session: AsyncSession, actor: Actor, project_id: UUID, group_id: UUID
) -> bool:
    """Return whether *actor* may give a group a role in a project: they know of it, or it is there already."""
    if await find_group(session, actor, group_id) is not None:
        return True
    found = await session.scalar(
        select(group_grants.c.group_id).where(
            group_grants.c.project_id == project_id, group_grants.c.group_id == group_id
        )
    )
    return found is not None


async def put_grant(
    session: AsyncSession, project_id: UUID, group_id: UUID, role: Role, now: datetime
) -> None:
    """Give a group a role in a project, whatever it was before."""
    await session.execute(
        insert_if_free(group_grants)
        .values(project_id=project_id, group_id=group_id, role=role.value, created_at=now)
        .on_conflict_do_update(index_elements=["project_id", "group_id"], set_={"role": role.value})
    )


async def delete_grant(session: AsyncSession, project_id: UUID, group_id: UUID) -> bool:
    """Take a group's role in a project away; return whether it had one."""
    gone = await session.scalar(
        delete(group_grants)
        .where(group_grants.c.project_id == project_id, group_grants.c.group_id == group_id)
        .returning(group_grants.c.group_id)
    )
    return gone is not None


async def find_grant(session: AsyncSession, project_id: UUID, group_id: UUID) -> Role | None:
    """Return the role of a group in a project, if it has one."""
    role = await session.scalar(
        select(group_grants.c.role).where(
            group_grants.c.project_id == project_id, group_grants.c.group_id == group_id
        )
    )
    return Role(role) if role else None


async def find_group_member(session: AsyncSession, group_id: UUID, user_id: UUID) -> bool | None:
    """Return whether a member manages a group; None for whoever is not in it."""
    return await session.scalar(
        select(group_members.c.manages).where(
            group_members.c.group_id == group_id, group_members.c.user_id == user_id
        )
    )
