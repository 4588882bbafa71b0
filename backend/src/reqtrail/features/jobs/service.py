"""Jobs listed, cancelled, repeated, and their results fetched."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import Permission, ProjectContext, as_member, demand
from reqtrail.features.identity.public import display_names
from reqtrail.features.jobs import repository
from reqtrail.features.jobs.errors import JobCursorInvalid, NotYourJob
from reqtrail.features.jobs.types import Place, Row, Search
from reqtrail.kit.clock import isoformat
from reqtrail.platform.auditing import describe
from reqtrail.platform.database.engine import Database
from reqtrail.platform.database.scope import enter_project
from reqtrail.platform.jobs import queue
from reqtrail.platform.jobs.claiming import read_piece
from reqtrail.platform.jobs.queue import JobNotFound, JobStateWrong, NoResult
from reqtrail.platform.jobs.registry import kind_of
from reqtrail.platform.jobs.types import INSTANCE, Job, JobStatus


@dataclass(frozen=True)
class Page:
    """Some jobs with the names of their authors, and where the next page begins."""

    rows: list[Row]
    names: dict[UUID, str]
    next: str | None


async def list_jobs(session: AsyncSession, asked: Search, cursor: str | None, limit: int) -> Page:
    """Return the newest jobs that are asked for, from *cursor* on.

    Raises:
        JobCursorInvalid: If the cursor is none.
    """
    after = _place(cursor) if cursor else None
    rows = await repository.search(session, asked, after, limit + 1)
    following = _cursor(rows[limit - 1]) if len(rows) > limit else None
    rows = rows[:limit]
    names = await display_names(session, {row["author_id"] for row in rows} - {None})
    return Page(rows, names, following)


async def get_job(session: AsyncSession, asked: Search) -> tuple[Row, str | None]:
    """Return a job, with the name of its author.

    Raises:
        JobNotFound: If there is none, or it is of another project.
    """
    page = await list_jobs(session, asked, None, 1)
    if not page.rows:
        raise JobNotFound("There is no such job; one that ended is forgotten.")
    row = page.rows[0]
    return row, page.names.get(row["author_id"])


async def cancel_job(session: AsyncSession, context: ProjectContext, job_id: UUID) -> None:
    """End a job of one's own; an owner ends anybody's.

    Raises:
        JobNotFound, JobStateWrong: If there is none, or it has ended.
        NotYourJob: If somebody else asked for it.
    """
    job = await _own(session, context, job_id)
    _describe(session, job, await queue.cancel(session, job.project_id, job_id))


async def retry_job(session: AsyncSession, context: ProjectContext, job_id: UUID) -> None:
    """Queue a job of one's own anew that came to no good end; an owner does it with anybody's.

    Raises:
        JobNotFound, JobStateWrong: If there is none, or it is not at such an end.
        NotYourJob: If somebody else asked for it.
    """
    job = await _own(session, context, job_id)
    _describe(session, job, await queue.retry(session, job.project_id, job_id))


async def _own(session: AsyncSession, context: ProjectContext, job_id: UUID) -> Job:
    job = await queue.load_job(session, context.project_id, job_id)
    if job.author_id != context.actor.user_id and not context.may(Permission.JOB_MANAGE):
        raise NotYourJob("Ask who started it, or an owner of the project.")
    return job


async def cancel_any(session: AsyncSession, job_id: UUID) -> None:
    """End any job of the instance, for an administrator.

    Raises:
        JobNotFound, JobStateWrong: If there is none, or it has ended.
    """
    job = await _entered(session, job_id)
    _describe(session, job, await queue.cancel(session, job.project_id, job_id))


async def retry_any(session: AsyncSession, job_id: UUID) -> None:
    """Queue any job of the instance anew that came to no good end, for an administrator.

    Raises:
        JobNotFound, JobStateWrong: If there is none, or it is not at such an end.
    """
    job = await _entered(session, job_id)
    _describe(session, job, await queue.retry(session, job.project_id, job_id))


async def _entered(session: AsyncSession, job_id: UUID) -> Job:
    project_id = await queue.project_of(session, job_id)
    await enter_project(session, project_id)
    return await queue.load_job(session, project_id, job_id)


def _describe(session: AsyncSession, before: Job, after: Job) -> None:
    describe(
        session,
        subject=("job", before.job_id),
        project_id=None if before.project_id == INSTANCE else before.project_id,
        old={"kind": before.kind, "state": before.state},
        new={"state": after.state, "cancel_requested": after.cancel_requested},
    )


async def find_result(session: AsyncSession, context: ProjectContext, job_id: UUID) -> Job:
    """Return a job whose file may be fetched: one's own, while one may still do what made it.

    Raises:
        JobNotFound: If there is no such job.
        NotYourJob: If somebody else asked for it.
        Forbidden: If its kind needs a permission that one lacks.
        JobStateWrong: If it is not done.
        NoResult: If it has no file.
    """
    job = await queue.load_job(session, context.project_id, job_id)
    if job.author_id != context.actor.user_id:
        raise NotYourJob("Its result is for whoever asked for it: start one of your own.")
    permission = kind_of(job.kind).permission
    if permission is not None:
        demand(context, Permission(permission))
    if job.state is not JobStatus.DONE:
        raise JobStateWrong(f"The job is “{job.state}”; there is a result once it is done.")
    if not job.result or "file_name" not in job.result:
        raise NoResult("The job made no file, or it was removed with a redaction.")
    return job


async def open_result(database: Database, job: Job) -> AsyncGenerator[bytes, None]:
    """Return the file of a job as a stream; that it is gone is told here, before the first byte.

    Each piece is read in a transaction of its own, which asks whether the author still has access: a slow reader keeps
    no connection.

    Raises:
        NoResult: If it is gone.
    """
    assert job.author_id is not None, "only an author fetches a result"
    own = database.within(as_member(job.author_id, job.project_id))
    first = await _piece(own, job, 0)

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield first
        sent, ordinal, size = len(first), 1, (job.result or {})["size"]
        while sent < size:
            piece = await _piece(own, job, ordinal)
            yield piece
            sent, ordinal = sent + len(piece), ordinal + 1

    return pieces()


async def _piece(database: Database, job: Job, ordinal: int) -> bytes:
    async with database.read_session() as session:
        piece = await read_piece(session, job, ordinal)
    if piece is None:
        raise NoResult("The result has expired. Start the job again.")
    return piece


def _cursor(row: Row) -> str:
    text = f"{isoformat(row['created_at'])} {row['job_id']}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(cursor: str) -> Place:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        moment, _, job_id = text.partition(" ")
        return Place(datetime.fromisoformat(moment), UUID(job_id))
    except ValueError:
        raise JobCursorInvalid("Begin at the first page again.") from None
