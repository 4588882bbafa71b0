"""A job as JSON shows it, wherever it was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from reqtrail.platform.jobs.types import Job, JobStatus


class JobAuthor(BaseModel):
    """Who asked for it."""

    id: UUID
    display_name: str


class JobError(BaseModel):
    """What the last attempt met: a stable code, and a sentence for people."""

    code: str
    detail: str


class JobFile(BaseModel):
    """The file that a job made, which who asked for it can fetch until the job expires. ``size`` is in bytes."""

    name: str
    media_type: str
    size: int


class JobRead(BaseModel):
    """A job. ``done`` and ``total`` count what ``phase`` counts; a ``total`` of 0 means that nobody knows.

    ``project`` is the key of its project, or null; ``author`` is null for what Reqtrail does by itself. One that
    ``failed`` was refused; one that is ``dead`` used up its attempts.
    """

    id: UUID
    project: str | None
    kind: str
    state: JobStatus
    phase: str
    done: int
    total: int
    author: JobAuthor | None
    attempts: int
    most_attempts: int
    error: JobError | None
    result: dict[str, Any] | None
    file: JobFile | None
    cancel_requested: bool
    created_at: datetime
    run_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None

    @classmethod
    def of(cls, job: Job, project: str | None, author_name: str | None) -> JobRead:
        """Return a job as JSON shows it."""
        return cls.of_values(vars(job), project, author_name)

    @classmethod
    def of_values(
        cls, values: Mapping[str, Any], project: str | None, author_name: str | None
    ) -> JobRead:
        """Return the job that *values* by column describe."""
        result, file = _parted(values["result"])
        error = values["error"]
        author = (
            JobAuthor(id=values["author_id"], display_name=author_name or "")
            if values["author_id"]
            else None
        )
        made = {"id", "project", "author", "error", "result", "file"}
        return cls(
            id=values["job_id"],
            project=project,
            author=author,
            error=JobError(code=error["code"], detail=error["detail"]) if error else None,
            result=result,
            file=file,
            **{name: values[name] for name in cls.model_fields if name not in made},
        )


def _parted(result: Mapping[str, Any] | None) -> tuple[dict[str, Any] | None, JobFile | None]:
    """Return what came of a job apart from the file that it made."""
    if result is None:
        return None, None
    rest = {
        key: value
        for key, value in result.items()
        if key not in {"file_name", "media_type", "size"}
    }
    if "file_name" not in result:
        return rest, None
    file = JobFile(
        name=result["file_name"], media_type=result["media_type"], size=result.get("size", 0)
    )
    return rest, file
