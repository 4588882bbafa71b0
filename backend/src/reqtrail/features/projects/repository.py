"""Every query of projects."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import visible_projects
from reqtrail.features.identity.public import Actor
from reqtrail.features.projects.tables import projects
from reqtrail.platform.database.metadata import metadata


async def get_project_key(session: AsyncSession, project_id: UUID) -> str:
    """Return the short key of a project that exists."""
    key: str = (
        await session.scalars(select(projects.c.key).where(projects.c.project_id == project_id))
    ).one()
    return key


async def name_of(session: AsyncSession, project_id: UUID) -> tuple[str, str]:
    """Return the short key and the name of a project that exists."""
    statement = select(projects.c.key, projects.c.name).where(projects.c.project_id == project_id)
    row = (await session.execute(statement)).one()
    return row.key, row.name


async def insert_project(session: AsyncSession, **values: Any) -> None:
    """Make a project row."""
    await session.execute(insert(projects).values(**values))


async def update_project(session: AsyncSession, project_id: UUID, **values: Any) -> None:
    """Change columns of a project."""
    await session.execute(
        update(projects).where(projects.c.project_id == project_id).values(**values)
    )


async def list_visible(
    session: AsyncSession, user: Actor, key: str | None = None
) -> list[Row[Any]]:
    """Return the projects that *user* sees with the heads of their main branches, by name."""
    branches = metadata.tables["branches"]  # the engine lies above this feature
    statement = (
        visible_projects(user)
        .add_columns(branches.c.head_seq, branches.c.head_hash, branches.c.head_recorded_at)
        .join(
            branches,
            and_(branches.c.project_id == projects.c.project_id, branches.c.name == "main"),
        )
        .order_by(projects.c.name, projects.c.key)
    )
    if key is not None:
        statement = statement.where(projects.c.key == key)
    return list(await session.execute(statement))
