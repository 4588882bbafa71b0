"""How a transaction comes to reach a project: PostgreSQL finds out who is in what, and its policies go by that.

This is the second wall. It asks ``project_access``, and nothing that the visible-scope query answers. Each step reads
what the step before it opened, and so is a lateral subquery of it: whatever plan is chosen, that cannot come first.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Select,
    String,
    Uuid,
    all_,
    and_,
    any_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.selectable import LateralFromClause

from reqtrail.features.access.errors import ProjectNotFound
from reqtrail.features.access.tables import group_members, project_access, read_restrictions
from reqtrail.features.identity.public import Actor, acts_for
from reqtrail.kit.errors import Forbidden
from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.database.scope import (
    ADMINISTRATOR,
    GROUPS,
    NOTHING,
    PROJECT,
    PROJECTS,
    Opening,
    set_local,
)

IN_ORDER: Final[ColumnElement[int]] = literal_column("0", Integer)
"""An offset of nothing: PostgreSQL does not merge a subquery with an offset into the query around it."""
NOTHING_LISTED: Final[ColumnElement[str]] = literal_column("'{}'", String)


def own_groups(actor: Any) -> LateralFromClause:
    """Return the subquery that shows the groups of *actor*; ``listed`` is never null."""
    return (
        select(set_local(GROUPS, _listed(group_members.c.group_id)).label("listed"))
        .where(group_members.c.user_id == actor.c.user_id, actor.c.acting.is_not(None))
        .lateral("own_groups")
    )


def own_projects(actor: Any, groups: Any) -> LateralFromClause:
    """Return the subquery that shows the projects of *actor*; ``listed`` is never null.

    Who came with a token that is limited to projects sees no others, and administrates none but these.
    """
    limit = actor.c.token_project_ids
    shown = case(
        (and_(actor.c.is_administrator, limit.is_not(None)), cast(limit, String)),
        else_=_listed(project_access.c.project_id),
    )
    return (
        select(set_local(PROJECTS, shown).label("listed"))
        .where(
            project_access.c.user_id == actor.c.user_id,
            or_(limit.is_(None), project_access.c.project_id == any_(limit)),
            groups.c.listed.is_not(None),
        )
        .lateral("own_projects")
    )


def _listed(ids: ColumnElement[UUID]) -> ColumnElement[str]:
    return func.coalesce(cast(func.array_agg(ids), String), NOTHING)


def entered_project(actor: Any, listing: Any) -> LateralFromClause:
    """Return the subquery of the shown project with a key, which becomes the one that the transaction reaches."""
    projects = metadata.tables["projects"]  # they lie above access
    role = (
        select(project_access.c.role)
        .where(
            project_access.c.project_id == projects.c.project_id,
            project_access.c.user_id == actor.c.user_id,
        )
        .correlate(projects, actor)
        .scalar_subquery()
    )
    return (
        select(
            projects.c.project_id,
            projects.c.key,
            projects.c.name,
            projects.c.archived,
            role.label("role"),
            enter_alone(projects.c.project_id).label("entered"),
        )
        .where(projects.c.key == bindparam("project_key"), listing.c.listed.is_not(None))
        .offset(IN_ORDER)
        .lateral("project")
    )


def enter_alone(project_id: ColumnElement[UUID]) -> ColumnElement[str]:
    """Return the expression that opens one project, and closes all lists."""
    return (
        set_local(PROJECT, cast(project_id, String))
        .concat(set_local(GROUPS, NOTHING))
        .concat(set_local(PROJECTS, NOTHING))
        .concat(set_local(ADMINISTRATOR, NOTHING))
    )


def withheld_from(actor: Any, groups: Any, project: Any) -> LateralFromClause:
    """Return the subquery of what the entered project withholds from *actor*: arrays, null where there is nothing.

    Whoever may read everything by being an owner is left to the caller.
    """
    table = read_restrictions.c
    own = func.coalesce(
        cast(func.nullif(groups.c.listed, NOTHING), ARRAY(Uuid)), cast(NOTHING_LISTED, ARRAY(Uuid))
    )

    def ids(kind: str) -> ColumnElement[Any]:
        return func.array_agg(table.entity_id).filter(table.kind == kind)

    return (
        select(
            ids("document").label("withheld_documents"),
            ids("attribute").label("withheld_attributes"),
        )
        .where(
            table.project_id == project.c.project_id,
            project.c.entered.is_not(None),
            project.c.role != all_(table.roles),
            not_(table.group_ids.overlap(own)),
        )
        .offset(IN_ORDER)
        .lateral("withheld")
    )


async def show_projects(session: AsyncSession, actor: Actor) -> None:
    """Let the transaction see, in lists, the groups and the projects that *actor* is in."""
    limit = actor.token.project_ids if actor.token else None
    parameters = {
        "user_id": actor.user_id,
        "is_administrator": actor.is_administrator,
        "limit": None if limit is None else list(limit),
    }
    await session.execute(_show_projects(), parameters)


@cache
def _show_projects() -> Select[Any]:
    actor = select(
        bindparam("user_id", type_=Uuid).label("user_id"),
        bindparam("is_administrator", type_=Boolean).label("is_administrator"),
        bindparam("limit", type_=ARRAY(Uuid)).label("token_project_ids"),
        NOTHING.label("acting"),
    ).subquery("actor")
    groups = own_groups(actor)
    listing = own_projects(actor, groups)
    return select(listing.c.listed).select_from(actor).join(groups, true()).join(listing, true())


def as_member(user_id: UUID, project_id: UUID) -> Opening:
    """Return what opens transactions for an account in a project, outside any request.

    Each transaction asks anew whether the account is active and has any role there, or administrates the instance.
    """

    async def enter(session: AsyncSession) -> None:
        parameters = {"user_id": user_id, "project_id": project_id}
        if (await session.execute(_enter_as_member(), parameters)).first() is None:
            raise ProjectNotFound("The account has no access to the project any more.")

    return enter


def as_administrator(user_id: UUID) -> Opening:
    """Return what opens transactions for an administrator, outside any request, while they are one."""

    async def enter(session: AsyncSession) -> None:
        if (await session.execute(_enter_as_administrator(), {"user_id": user_id})).first() is None:
            raise Forbidden("Only an administrator may do this.")

    return enter


@cache
def _enter_as_administrator() -> Select[Any]:
    users = metadata.tables["users"]
    return select(acts_for(users.c, true())).where(
        users.c.user_id == bindparam("user_id", type_=Uuid),
        users.c.active,
        users.c.is_administrator,
    )


@cache
def _enter_as_member() -> Select[Any]:
    users = metadata.tables["users"]
    actor = (
        select(users.c.user_id, users.c.is_administrator, acts_for(users.c, true()).label("acting"))
        .where(users.c.user_id == bindparam("user_id", type_=Uuid), users.c.active)
        .subquery("actor")
    )
    groups = own_groups(actor)
    wanted = bindparam("project_id", type_=Uuid)
    is_in = (
        exists()
        .where(project_access.c.project_id == wanted, project_access.c.user_id == actor.c.user_id)
        .correlate(actor)
    )
    project = (
        select(enter_alone(wanted).label("entered"))
        .where(groups.c.listed.is_not(None), or_(actor.c.is_administrator, is_in))
        .correlate(actor, groups)
        .offset(IN_ORDER)
        .lateral("project")
    )
    return select(project.c.entered).select_from(actor).join(groups, true()).join(project, true())
