"""What jobs are made of: their states, priorities and kinds."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

INSTANCE: Final = UUID(int=0)
"""The project id of jobs that belong to no project."""

LEASE: Final = timedelta(seconds=15)
"""How long a worker that stands still keeps a job; the next one has it within 30 seconds."""
KEPT: Final = timedelta(days=7)
MOST_ATTEMPTS: Final = 5


class JobStatus(StrEnum):
    """How far a job has come.

    One that was refused has ``failed``: another attempt would meet the same. One that used up its attempts is ``dead``.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DEAD = "dead"
    CANCELLED = "cancelled"


ENDED: Final = (JobStatus.DONE, JobStatus.FAILED, JobStatus.DEAD, JobStatus.CANCELLED)
REPEATABLE: Final = (JobStatus.FAILED, JobStatus.DEAD, JobStatus.CANCELLED)


class Priority(IntEnum):
    """Which of the jobs that wait comes first; projects take turns among those of one priority.

    Those that have waited for long get some of the turns whatever their priority, see ``runner.AGED_EVERY``.
    """

    HIGH = 10
    NORMAL = 20
    LOW = 30


@dataclass(frozen=True)
class Job:
    """A job as it is stored.

    Attributes:
        project_id: ``INSTANCE`` if it belongs to no project.
        author_id: Who asked for it; None is Reqtrail itself.
        payload: What its kind needs to know: ids rather than content.
        attempts: How often a worker took it up. Whoever holds the newest lease knows the number.
        result: What came of it; with ``file_name``, ``media_type`` and ``size`` if there is a file to fetch.
        error: ``code`` and ``detail`` of what the last attempt met.
        trace_parent: The trace in which it was asked for, as W3C writes it.
        expires_at: When it is forgotten, with its result.
    """

    project_id: UUID
    job_id: UUID
    kind: str
    author_id: UUID | None
    state: JobStatus
    priority: int
    payload: Mapping[str, Any]
    attempts: int
    most_attempts: int
    run_at: datetime
    lease_until: datetime | None
    renewals: int
    phase: str
    done: int
    total: int
    result: Mapping[str, Any] | None
    error: Mapping[str, Any] | None
    cancel_requested: bool
    trace_parent: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None


Run = Callable[[Any], Coroutine[Any, Any, Mapping[str, Any] | None]]
"""Does one attempt of a job, given its ``work.Work``, and returns its result. It must bear being run twice."""
Follow = Callable[[AsyncSession, Job], Coroutine[Any, Any, None]]
"""Keeps what a feature itself knows of a job in step with it, in the transaction that changes the job."""


@dataclass(frozen=True)
class JobKind:
    """What a feature registers: how jobs of a kind are done.

    Attributes:
        name: ``feature.verb``.
        permission: What somebody must be allowed in the project to fetch the result; None if nobody fetches it.
        limit: How long one attempt may take.
        long: Whether it may take minutes. A worker keeps a hand free of such jobs, for those that somebody waits for.
        kept: How long a job is kept once it has ended, with its result.
        ended: Called with a job that failed, is dead or was cancelled. It must bear being called twice.
        repeated: Called with a job before it is queued anew; what it raises refuses that.
    """

    name: str
    run: Run
    permission: str | None = None
    priority: Priority = Priority.NORMAL
    most_attempts: int = MOST_ATTEMPTS
    limit: timedelta = timedelta(hours=2)
    long: bool = False
    kept: timedelta = KEPT
    ended: Follow | None = None
    repeated: Follow | None = None
