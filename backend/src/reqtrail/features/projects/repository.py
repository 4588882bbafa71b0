"""Every query of projects."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.projects.tables import projects


async def get_project_key(session: AsyncSession, project_id: UUID) -> str:
    """Return the short key of a project that exists."""
    key: str = (
        await session.scalars(select(projects.c.key).where(projects.c.project_id == project_id))
    ).one()
    return key
