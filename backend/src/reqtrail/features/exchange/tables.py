"""The tables of exchange: the versioned record of each exchanged file, and imports with what they stage."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from reqtrail.features.versioning.public import versioned_table
from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.database.walls import Wall, open_to_task

packages = versioned_table(
    "packages",
    Column("path", Text, nullable=False),
    Column("header", JSONB, nullable=False),
    Column("extra", JSONB, nullable=True),
)
"""One exchanged ReqIF file: its header, name spaces, tool extensions and whatever else the model does not use."""

exchange_jobs = Table(
    "exchange_jobs",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("job_id", Uuid, nullable=False),
    Column("author_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("phase", Text, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("file_size", BigInteger, nullable=False),
    Column("counts", JSONB, nullable=False),
    Column("mapping", JSONB, nullable=False),
    Column("losses", JSONB, nullable=False),
    Column("error", JSONB, nullable=True),
    Column("commit_seq", BigInteger, nullable=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True), nullable=True),
    Column("history", JSONB, nullable=True),
    PrimaryKeyConstraint("project_id", "job_id"),
    ForeignKeyConstraint(["project_id"], ["projects.project_id"]),
    ForeignKeyConstraint(["author_id"], ["users.user_id"]),
    Index(None, "author_id"),
    Index(None, "project_id", "created_at"),
    info={
        "scope": "tenant",
        "wall": Wall(update=True, also=open_to_task("jobs")),
    },
)
"""The record of one import. It is run by the job of the same id, which knows who works on it and how far that is.
``state``: queued, dry_run_ready, committing, done, failed or cancelled; ``dry_run``: whether to stop after the report.
``done`` and ``total`` count what ``phase`` counted when the import came to rest.
``history``: of an import of a history how it was asked for, see ``types.HistoryRequest``; null for a single file."""

exchange_uploads = Table(
    "exchange_uploads",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("job_id", Uuid, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    PrimaryKeyConstraint("project_id", "job_id", "ordinal"),
    ForeignKeyConstraint(
        ["project_id", "job_id"], ["exchange_jobs.project_id", "exchange_jobs.job_id"]
    ),
    info={"scope": "tenant", "wall": Wall(delete=True)},
)
"""The uploaded file in pieces, until the import has ended."""

exchange_staged = Table(
    "exchange_staged",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("job_id", Uuid, nullable=False),
    Column("ordinal", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("entity_id", Uuid, nullable=False),
    Column("fields", JSONB, nullable=False),
    PrimaryKeyConstraint("project_id", "job_id", "ordinal"),
    ForeignKeyConstraint(
        ["project_id", "job_id"], ["exchange_jobs.project_id", "exchange_jobs.job_id"]
    ),
    info={"scope": "tenant", "wall": Wall(delete=True)},
)
"""What an import is about to write, in the order in which it must be written."""

exchange_staged_files = Table(
    "exchange_staged_files",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("job_id", Uuid, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("data", LargeBinary, nullable=False),
    PrimaryKeyConstraint("project_id", "job_id", "sha256"),
    ForeignKeyConstraint(
        ["project_id", "job_id"], ["exchange_jobs.project_id", "exchange_jobs.job_id"]
    ),
    info={"scope": "tenant", "wall": Wall(delete=True)},
)
"""Attachments of an import until it is committed."""
