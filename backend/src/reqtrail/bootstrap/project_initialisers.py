"""What a new project begins with: its first commit, made of the default schema."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.projects.public import register_initialiser
from reqtrail.features.requirements.public import default_schema
from reqtrail.features.versioning.public import init_project


async def _first_commit(session: AsyncSession, project_id: UUID, key: str, author_id: UUID) -> None:
    await init_project(session, project_id, key, author_id, default_schema(project_id))


def register_project_initialisers() -> None:
    """Make new projects begin with their first commit; calling it again changes nothing."""
    register_initialiser(_first_commit)
