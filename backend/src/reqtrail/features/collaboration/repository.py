"""Reading what is new in a project, and how jobs get on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, literal, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.collaboration.types import JobsAsked, JobTold, Told
from reqtrail.features.identity.public import display_names
from reqtrail.features.versioning.public import load_branches, load_commits
from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.jobs.tables import jobs
from reqtrail.platform.jobs.types import JobStatus

MOST_JOBS: Final = 100
"""The newest of a list, of those that run, and of those that wait; others are not told of."""
_TOLD: Final = tuple(jobs.c[item.name] for item in fields(JobTold) if item.name != "project")


async def commits_between(
    session: AsyncSession, project_id: UUID, after: int, last: int
) -> list[Told]:
    """Return what is told of the commits with sequences in (*after*, *last*], in their order."""
    found = await load_commits(session, project_id, range(after + 1, last + 1))
    branches = {row.branch_id: row.name for row in await load_branches(session, project_id)}
    names = await display_names(session, {commit.author_id for commit in found.values()})
    return [
        Told(
            seq=seq,
            branch_id=commit.branch_id,
            branch=branches.get(commit.branch_id, ""),
            kind=commit.kind,
            author_id=commit.author_id,
            author=names.get(commit.author_id, ""),
            recorded_at=commit.recorded_at,
        )
        for seq, commit in sorted(found.items())
    ]


async def jobs_lately(
    session: AsyncSession, asked: JobsAsked, besides: Sequence[UUID]
) -> dict[UUID, JobTold]:
    """Return the newest jobs that are asked for and that the transaction sees, those under way, and those *besides*."""
    parts = [_newest(asked)]
    # States stand in the statement, not among its values: only so may a plan use the partial indexes.
    parts += [
        _newest(asked, jobs.c.state == literal(state.value, literal_execute=True))
        for state in (JobStatus.RUNNING, JobStatus.QUEUED)
    ]
    if besides:
        parts.append(_newest(asked, jobs.c.job_id.in_(besides)))
    found = union(*(select(part.subquery()) for part in parts)).subquery("found")
    projects = metadata.tables["projects"]
    statement = select(found, projects.c.key.label("project")).outerjoin(
        projects, projects.c.project_id == found.c.project_id
    )
    told = {}
    for row in await session.execute(statement):
        values = {name: value for name, value in row._mapping.items() if name != "project_id"}
        told[row.job_id] = JobTold(**values)
    return told


def _newest(asked: JobsAsked, *conditions: ColumnElement[bool]) -> Select[Any]:
    statement = select(jobs.c.project_id, *_TOLD).where(*conditions)
    if asked.project_id is not None:
        statement = statement.where(jobs.c.project_id == asked.project_id)
    if asked.author_id is not None:
        statement = statement.where(jobs.c.author_id == asked.author_id)
    return statement.order_by(jobs.c.created_at.desc(), jobs.c.job_id.desc()).limit(MOST_JOBS)
