"""Queries on jobs as a list."""

from __future__ import annotations

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.jobs.types import Place, Row, Search
from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.jobs.queue import LISTED
from reqtrail.platform.jobs.tables import jobs


async def search(
    session: AsyncSession, asked: Search, after: Place | None, limit: int
) -> list[Row]:
    """Return the newest jobs that are asked for and that the transaction sees."""
    projects = metadata.tables["projects"]
    statement = select(
        *(jobs.c[name] for name in LISTED), projects.c.key.label("project_key")
    ).outerjoin(projects, projects.c.project_id == jobs.c.project_id)
    for column, value in (
        (jobs.c.project_id, asked.project_id),
        (jobs.c.author_id, asked.author_id),
        (jobs.c.job_id, asked.job_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if asked.states:
        statement = statement.where(jobs.c.state.in_(asked.states))
    if asked.kinds:
        statement = statement.where(jobs.c.kind.in_(asked.kinds))
    place = tuple_(jobs.c.created_at, jobs.c.job_id)
    if after is not None:
        statement = statement.where(place < tuple_(after.created_at, after.job_id))
    statement = statement.order_by(jobs.c.created_at.desc(), jobs.c.job_id.desc()).limit(limit)
    return [dict(row._mapping) for row in await session.execute(statement)]
