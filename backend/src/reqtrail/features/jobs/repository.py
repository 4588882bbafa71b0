"""Queries on jobs and imports as one list."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.public import imports_as_jobs
from reqtrail.features.jobs.types import Place, Row, Search
from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.jobs.queue import LISTED
from reqtrail.platform.jobs.tables import jobs


async def search(
    session: AsyncSession, asked: Search, after: Place | None, limit: int
) -> list[Row]:
    """Return the newest jobs and imports that are asked for and that the transaction sees."""
    sources = (select(*(jobs.c[name] for name in LISTED)), imports_as_jobs())
    # Each part is cut to the page before they are joined, so that an index serves it.
    parts = [select(_page(source, asked, after, limit).subquery()) for source in sources]
    found = union_all(*parts).subquery("found")
    projects = metadata.tables["projects"]
    statement = (
        select(found, projects.c.key.label("project_key"))
        .outerjoin(projects, projects.c.project_id == found.c.project_id)
        .order_by(found.c.created_at.desc(), found.c.job_id.desc())
        .limit(limit)
    )
    return [dict(row._mapping) for row in await session.execute(statement)]


def _page(source: Select[Any], asked: Search, after: Place | None, limit: int) -> Select[Any]:
    part = source.subquery()
    statement = select(part)
    for column, value in (
        (part.c.project_id, asked.project_id),
        (part.c.author_id, asked.author_id),
        (part.c.job_id, asked.job_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if asked.states:
        statement = statement.where(part.c.state.in_(asked.states))
    if asked.kinds:
        statement = statement.where(part.c.kind.in_(asked.kinds))
    place = tuple_(part.c.created_at, part.c.job_id)
    if after is not None:
        statement = statement.where(place < tuple_(after.created_at, after.job_id))
    return statement.order_by(part.c.created_at.desc(), part.c.job_id.desc()).limit(limit)
