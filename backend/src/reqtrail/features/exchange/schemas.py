"""The JSON of exchange."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from reqtrail.features.exchange.types import Job, JobState
from reqtrail.platform.http import Body


class ExportStart(Body):
    """An export to be made by a worker.

    ``format``: one ReqIF file, or an archive with its attachments. ``at``: a ref; the head of main, when the worker
    comes to it, if left out.
    """

    format: Literal["reqif", "reqifz"] = "reqifz"
    at: str | None = Field(default=None, max_length=200)


class LossRead(BaseModel):
    """Something that an export will not hold as the file brought it, how often, and where for example."""

    code: str
    message: str
    count: int
    examples: list[str]


class ImportErrorRead(BaseModel):
    """Why an import was refused; ``line`` and ``object`` say where in the file, if that is known."""

    code: str
    detail: str
    line: int | None = None
    object: str | None = None


class MappedAttribute(BaseModel):
    """An attribute of a type of the file."""

    name: str
    base: str
    datatype: str
    state: Literal["new", "known"]


class MappedType(BaseModel):
    """A type of the file, and how many items or links have it."""

    identifier: str
    name: str
    category: Literal["item", "document", "link", "link_group"]
    state: Literal["new", "known"]
    items: int
    attributes: list[MappedAttribute]


class MappedDocument(BaseModel):
    """A specification of the file."""

    title: str
    placements: int
    state: Literal["new", "known"]


class ImportMapping(BaseModel):
    """What becomes of the file's types and specifications."""

    types: list[MappedType] = []
    documents: list[MappedDocument] = []


class ImportCommit(BaseModel):
    """The commit that an import wrote."""

    seq: int


class ImportRead(BaseModel):
    """An import.

    ``done`` of ``total`` is how far its ``phase`` is: queued, reading, files, checking, writing, done. ``counts`` says
    what the file holds (documents, items, …) and what becomes of it (created, updated, unchanged, deleted).
    """

    id: UUID
    state: JobState
    dry_run: bool
    phase: str
    done: int
    total: int
    file_name: str
    file_size: int
    counts: dict[str, int]
    mapping: ImportMapping
    losses: list[LossRead]
    error: ImportErrorRead | None
    commit: ImportCommit | None
    cancel_requested: bool
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> ImportRead:
        """Return *job* as the API shows it."""
        return cls.model_validate(
            {
                **vars(job),
                "id": job.job_id,
                "commit": None if job.commit_seq is None else {"seq": job.commit_seq},
            }
        )


class ImportList(BaseModel):
    """The newest imports first."""

    imports: list[ImportRead]
