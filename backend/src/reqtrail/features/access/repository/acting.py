"""What somebody may do in a project while a worker acts for them: asked of the database, since no request proves it."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.repository.entering import (
    IN_ORDER,
    enter_alone,
    own_groups,
    withheld_from,
)
from reqtrail.features.access.tables import project_access
from reqtrail.features.access.types import (
    NOTHING_WITHHELD,
    ProjectContext,
    Role,
    Withheld,
)
from reqtrail.features.identity.public import Actor, acts_for
from reqtrail.platform.database.metadata import metadata


@cache
def _acting() -> Select[Any]:
    """Return the query of an active account in the project that the transaction has entered already."""
    users, projects = metadata.tables["users"], metadata.tables["projects"]
    columns = [column for column in users.c if column.name != "password_hash"]
    actor = (
        select(*columns, acts_for(users.c, true()).label("acting"))
        .where(users.c.user_id == bindparam("user_id", type_=Uuid), users.c.active)
        .subquery("actor")
    )
    groups = own_groups(actor)
    role = (
        select(project_access.c.role)
        .where(
            project_access.c.project_id == projects.c.project_id,
            project_access.c.user_id == actor.c.user_id,
        )
        .correlate(projects, actor)
        .scalar_subquery()
    )
    project = (
        select(
            projects.c.project_id,
            projects.c.key,
            projects.c.name,
            projects.c.archived,
            role.label("role"),
            enter_alone(projects.c.project_id).label("entered"),
        )
        .where(
            projects.c.project_id == bindparam("project_id", type_=Uuid),
            groups.c.listed.is_not(None),
        )
        .offset(IN_ORDER)
        .lateral("project")
    )
    withheld = withheld_from(actor, groups, project)
    return (
        select(
            *(actor.c[column.name] for column in columns),
            project.c.project_id,
            project.c.key,
            project.c.name,
            project.c.archived,
            project.c.role,
            withheld.c.withheld_documents,
            withheld.c.withheld_attributes,
        )
        .select_from(actor)
        .join(groups, true())
        .join(project, true())
        .outerjoin(withheld, true())
    )


async def find_acting(
    session: AsyncSession, user_id: UUID, project_id: UUID
) -> ProjectContext | None:
    """Return what an account may do in the project that *session* has entered; None without a role in it."""
    parameters = {"user_id": user_id, "project_id": project_id}
    row = (await session.execute(_acting(), parameters)).one_or_none()
    if row is None:
        return None
    values = row._mapping
    accounts = metadata.tables["users"].c
    actor = Actor(**{one.name: values[one.name] for one in accounts if one.name != "password_hash"})
    role = Role.OWNER if actor.is_administrator else row.role
    if role is None:
        return None
    withheld = NOTHING_WITHHELD
    if role != Role.OWNER and (row.withheld_documents or row.withheld_attributes):
        withheld = Withheld(
            tuple(row.withheld_documents or ()), tuple(row.withheld_attributes or ())
        )
    return ProjectContext(
        row.project_id, row.key, row.name, row.archived, Role(role), actor, None, withheld
    )
