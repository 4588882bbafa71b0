"""Every query of membership, among them the one that decides what a request sees."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, bindparam, delete, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.tables import memberships
from reqtrail.features.access.types import Member, ProjectContext, ProjectHead, Role
from reqtrail.features.identity.public import Actor, Credential, active_user, credential_parameters
from reqtrail.platform.database.metadata import metadata

_ACTOR_WIDTH = len(fields(Actor))
_MAIN = "main"


@cache
def _visible_project(by_token: bool) -> Select[Any]:
    actor = active_user(by_token)
    projects = metadata.tables["projects"]  # they lie above access, and so do branches
    branches = metadata.tables["branches"]
    return (
        select(
            *(actor.c[field.name] for field in fields(Actor)),
            projects.c.project_id,
            projects.c.key,
            projects.c.name,
            projects.c.archived,
            memberships.c.role,
            branches.c.branch_id,
            branches.c.head_seq,
            branches.c.head_hash,
            branches.c.head_recorded_at,
        )
        .select_from(actor)
        .outerjoin(projects, projects.c.key == bindparam("project_key"))
        .outerjoin(
            memberships,
            and_(
                memberships.c.project_id == projects.c.project_id,
                memberships.c.user_id == actor.c.user_id,
            ),
        )
        .outerjoin(
            branches,
            and_(branches.c.project_id == projects.c.project_id, branches.c.name == _MAIN),
        )
    )


async def find_visible_project(
    session: AsyncSession, credential: Credential, key: str
) -> tuple[Actor | None, ProjectContext | None]:
    """Return who *credential* proves, and the project called *key* as far as that account sees it.

    This is the one visible-scope query. An administrator sees every project as an owner; anybody else sees the
    projects of which they are a member. One round trip proves the account and the membership, and brings the head.
    """
    statement = _visible_project(credential.token_hash is not None)
    parameters = {**credential_parameters(credential), "project_key": key}
    row = (await session.execute(statement, parameters)).one_or_none()
    if row is None:
        return None, None
    found = Actor(*row[:_ACTOR_WIDTH])
    role = Role.OWNER if found.is_administrator else row.role
    if row.project_id is None or role is None:
        return found, None
    head = (
        ProjectHead(row.branch_id, row.head_seq, row.head_hash, row.head_recorded_at)
        if row.head_seq
        else None
    )
    context = ProjectContext(
        row.project_id, row.key, row.name, row.archived, Role(role), found, head
    )
    return found, context


def visible_projects(actor: Actor) -> Select[Any]:
    """Return the query of the projects that *actor* sees: all columns of projects, and ``role``.

    The scope is the one of :func:`find_visible_project`.
    """
    projects = metadata.tables["projects"]
    if actor.is_administrator:
        return select(projects, literal(Role.OWNER.value).label("role")).select_from(projects)
    return (
        select(projects, memberships.c.role)
        .select_from(projects)
        .join(memberships, memberships.c.project_id == projects.c.project_id)
        .where(memberships.c.user_id == actor.user_id)
    )


async def list_members(session: AsyncSession, project_id: UUID) -> list[Member]:
    """Return the members of a project by name."""
    users = metadata.tables["users"]
    rows = await session.execute(
        select(users.c.user_id, users.c.email, users.c.display_name, memberships.c.role)
        .join(memberships, memberships.c.user_id == users.c.user_id)
        .where(memberships.c.project_id == project_id)
        .order_by(users.c.display_name, users.c.user_id)
    )
    return [Member(row.user_id, row.email, row.display_name, Role(row.role)) for row in rows]


async def lock_owners(session: AsyncSession, project_id: UUID) -> set[UUID]:
    """Return the owners of a project, locked: two of them cannot leave at the same moment."""
    rows = await session.scalars(
        select(memberships.c.user_id)
        .where(memberships.c.project_id == project_id, memberships.c.role == Role.OWNER)
        .order_by(memberships.c.user_id)
        .with_for_update()
    )
    return set(rows)


async def put_membership(
    session: AsyncSession, project_id: UUID, user_id: UUID, role: Role, now: datetime
) -> None:
    """Give a user a role in a project, whatever it was before."""
    await session.execute(
        insert(memberships)
        .values(project_id=project_id, user_id=user_id, role=role.value, created_at=now)
        .on_conflict_do_update(index_elements=["project_id", "user_id"], set_={"role": role.value})
    )


async def delete_membership(session: AsyncSession, project_id: UUID, user_id: UUID) -> bool:
    """Take a user out of a project; return whether they were in it."""
    gone = await session.scalar(
        delete(memberships)
        .where(memberships.c.project_id == project_id, memberships.c.user_id == user_id)
        .returning(memberships.c.user_id)
    )
    return gone is not None
