"""Every query of membership, among them the one that decides what a request sees."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, delete, func, literal, or_, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.repository.entering import (
    IN_ORDER,
    entered_project,
    own_groups,
    own_projects,
    show_projects,
    withheld_from,
)
from reqtrail.features.access.tables import (
    group_grants,
    group_members,
    groups as group_table,
    memberships,
    project_access,
)
from reqtrail.features.access.types import (
    NOTHING_WITHHELD,
    Member,
    ProjectContext,
    ProjectHead,
    Role,
    Withheld,
)
from reqtrail.features.identity.public import (
    Actor,
    Credential,
    active_user,
    credential_parameters,
    read_actor,
)
from reqtrail.platform.database.metadata import metadata

_MAIN = "main"
_ROLES = 7301200
"""The class of the advisory locks of roles."""


@cache
def _visible_project(by_token: bool) -> Select[Any]:
    """Return the visible-scope query, whose steps each read what the step before opened."""
    actor = active_user(by_token)
    groups = own_groups(actor)
    listing = own_projects(actor, groups)
    project = entered_project(actor, listing)
    branches = metadata.tables["branches"]  # they lie above access
    head = (
        select(
            branches.c.branch_id,
            branches.c.head_seq,
            branches.c.head_hash,
            branches.c.head_recorded_at,
            branches.c.redacted_seq,
        )
        .where(
            branches.c.project_id == project.c.project_id,
            branches.c.name == _MAIN,
            project.c.entered.is_not(None),
        )
        .offset(IN_ORDER)
        .lateral("head")
    )
    withheld = withheld_from(actor, groups, project)
    return (
        select(
            *actor.c,
            project.c.project_id,
            project.c.key,
            project.c.name,
            project.c.archived,
            project.c.role,
            head.c.branch_id,
            head.c.head_seq,
            head.c.head_hash,
            head.c.head_recorded_at,
            head.c.redacted_seq,
            withheld.c.withheld_documents,
            withheld.c.withheld_attributes,
        )
        .select_from(actor)
        .outerjoin(groups, true())
        .outerjoin(listing, true())
        .outerjoin(project, true())
        .outerjoin(head, true())
        .outerjoin(withheld, true())
    )


async def find_visible_project(
    session: AsyncSession, credential: Credential, key: str
) -> tuple[Actor | None, ProjectContext | None]:
    """Return who *credential* proves, and the project called *key* as far as that account sees it.

    This is the one visible-scope query. An administrator sees every project as an owner; anybody else sees the
    projects in which they have a role, by themselves or through a group. One round trip proves the account and the
    role, and brings the head and what is withheld; from then on the transaction reaches this one project. A token that
    is limited to projects sees no others.
    """
    statement = _visible_project(credential.token_hash is not None)
    parameters = {**credential_parameters(credential), "project_key": key}
    row = (await session.execute(statement, parameters)).one_or_none()
    if row is None:
        return None, None
    found = read_actor(row)
    role = Role.OWNER if found.is_administrator else row.role
    if row.project_id is None or role is None or not _reaches(found, row.project_id):
        return found, None
    head = (
        ProjectHead(
            row.branch_id, row.head_seq, row.head_hash, row.head_recorded_at, row.redacted_seq
        )
        if row.head_seq
        else None
    )
    withheld = NOTHING_WITHHELD
    if role != Role.OWNER and (row.withheld_documents or row.withheld_attributes):
        withheld = Withheld(
            tuple(row.withheld_documents or ()), tuple(row.withheld_attributes or ())
        )
    context = ProjectContext(
        row.project_id, row.key, row.name, row.archived, Role(role), found, head, withheld
    )
    return found, context


def _reaches(actor: Actor, project_id: UUID) -> bool:
    """Return whether the token of *actor*, if they came with one, is good for a project."""
    limit = actor.token.project_ids if actor.token else None
    return limit is None or project_id in limit


def visible_projects(actor: Actor) -> Select[Any]:
    """Return the query of the projects that *actor* sees: all columns of projects, and ``role``.

    The scope is the one of :func:`find_visible_project`. ``show_projects`` or a project entered comes first.
    """
    projects = metadata.tables["projects"]
    statement = _projects_of(actor)
    limit = actor.token.project_ids if actor.token else None
    return statement if limit is None else statement.where(projects.c.project_id.in_(limit))


def _projects_of(actor: Actor) -> Select[Any]:
    projects = metadata.tables["projects"]
    if actor.is_administrator:
        return select(projects, literal(Role.OWNER.value).label("role")).select_from(projects)
    return (
        select(projects, project_access.c.role)
        .select_from(projects)
        .join(project_access, project_access.c.project_id == projects.c.project_id)
        .where(project_access.c.user_id == actor.user_id)
    )


async def list_members(session: AsyncSession, project_id: UUID) -> list[Member]:
    """Return everybody who has a role in a project by name, with what gives it to them."""
    users = metadata.tables["users"]
    through = (
        select(func.array_agg(aggregate_order_by(group_table.c.name, group_table.c.name)))
        .select_from(group_grants)
        .join(group_members, group_members.c.group_id == group_grants.c.group_id)
        .join(group_table, group_table.c.group_id == group_grants.c.group_id)
        .where(
            group_grants.c.project_id == project_id,
            group_members.c.user_id == project_access.c.user_id,
        )
        .correlate(project_access)
        .scalar_subquery()
    )
    rows = await session.execute(
        select(
            users.c.user_id,
            users.c.email,
            users.c.display_name,
            project_access.c.role,
            memberships.c.role.label("direct_role"),
            through.label("groups"),
        )
        .select_from(project_access)
        .join(users, users.c.user_id == project_access.c.user_id)
        .outerjoin(
            memberships,
            and_(
                memberships.c.project_id == project_id,
                memberships.c.user_id == project_access.c.user_id,
            ),
        )
        .where(project_access.c.project_id == project_id)
        .order_by(users.c.display_name, users.c.user_id)
    )
    return [
        Member(
            row.user_id,
            row.email,
            row.display_name,
            Role(row.role),
            Role(row.direct_role) if row.direct_role else None,
            tuple(row.groups or ()),
        )
        for row in rows
    ]


async def lock_roles(session: AsyncSession, project_id: UUID) -> None:
    """Let one transaction at a time change who has which role in a project: two owners cannot leave at once."""
    await session.execute(
        select(func.pg_advisory_xact_lock(_ROLES, func.hashtext(str(project_id))))
    )


async def find_owners(session: AsyncSession, project_id: UUID) -> set[UUID]:
    """Return the active accounts that own a project, by themselves or through a group."""
    users = metadata.tables["users"]
    rows = await session.scalars(
        select(users.c.user_id)
        .join(project_access, project_access.c.user_id == users.c.user_id)
        .where(
            project_access.c.project_id == project_id,
            project_access.c.role == Role.OWNER,
            users.c.active,
        )
    )
    return set(rows)


async def find_role(session: AsyncSession, project_id: UUID, user_id: UUID) -> Role | None:
    """Return the role that was given to an account itself, if any."""
    role = await session.scalar(
        select(memberships.c.role).where(
            memberships.c.project_id == project_id, memberships.c.user_id == user_id
        )
    )
    return Role(role) if role else None


async def put_membership(
    session: AsyncSession, project_id: UUID, user_id: UUID, role: Role, now: datetime
) -> None:
    """Give a user a role in a project, whatever it was before."""
    await session.execute(
        insert(memberships)
        .values(project_id=project_id, user_id=user_id, role=role.value, created_at=now)
        .on_conflict_do_update(index_elements=["project_id", "user_id"], set_={"role": role.value})
    )


async def add_membership(
    session: AsyncSession, project_id: UUID, user_id: UUID, role: Role, now: datetime
) -> None:
    """Give a user a role in a project, unless they have one."""
    await session.execute(
        insert(memberships)
        .values(project_id=project_id, user_id=user_id, role=role.value, created_at=now)
        .on_conflict_do_nothing(index_elements=["project_id", "user_id"])
    )


async def delete_membership(session: AsyncSession, project_id: UUID, user_id: UUID) -> bool:
    """Take a user out of a project; return whether they were in it."""
    gone = await session.scalar(
        delete(memberships)
        .where(memberships.c.project_id == project_id, memberships.c.user_id == user_id)
        .returning(memberships.c.user_id)
    )
    return gone is not None


async def find_projects(
    session: AsyncSession, actor: Actor, *, keys: Collection[str] = (), ids: Collection[UUID] = ()
) -> dict[UUID, str]:
    """Return the keys, by id, of those projects with one of *keys* or *ids* that *actor* sees."""
    projects = metadata.tables["projects"]
    await show_projects(session, actor)
    seen = visible_projects(actor).where(
        or_(projects.c.key.in_(keys), projects.c.project_id.in_(ids))
    )
    rows = await session.execute(seen)
    return {row.project_id: row.key for row in rows}
