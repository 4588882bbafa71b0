"""Queries of the merges that workers do: jobs of one kind, with what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.platform.jobs.queue import COLUMNS, job_of
from reqtrail.platform.jobs.tables import jobs
from reqtrail.platform.jobs.types import Job


async def load(
    session: AsyncSession, project_id: UUID, kind: str, branch_id: UUID, limit: int
) -> list[Job]:
    """Return the newest jobs of a *kind* for a branch."""
    rows = await session.execute(
        select(*COLUMNS)
        .where(
            jobs.c.project_id == project_id,
            jobs.c.kind == kind,
            jobs.c.payload["branch_id"].astext == str(branch_id),
        )
        .order_by(jobs.c.created_at.desc(), jobs.c.job_id.desc())
        .limit(limit)
    )
    return [job_of(row) for row in rows]


async def load_payloads(
    session: AsyncSession, project_id: UUID, kind: str
) -> list[tuple[UUID, dict[str, Any]]]:
    """Return what was asked for by every job of a *kind* that is still known."""
    rows = await session.execute(
        select(jobs.c.job_id, jobs.c.payload)
        .where(jobs.c.project_id == project_id, jobs.c.kind == kind)
        .with_for_update()
    )
    return [(row.job_id, row.payload) for row in rows]


async def store_payload(
    session: AsyncSession, project_id: UUID, job_id: UUID, payload: Mapping[str, Any]
) -> None:
    """Replace what a job asks for."""
    await session.execute(
        update(jobs)
        .where(jobs.c.project_id == project_id, jobs.c.job_id == job_id)
        .values(payload=payload)
    )
