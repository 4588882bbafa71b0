"""The tables of jobs, of the files that they made, and of what is due again and again."""

from __future__ import annotations

from typing import Final

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
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.database.walls import (
    AMONG_LISTED,
    TO_ADMINISTRATORS,
    Policy,
    Wall,
    open_to_task,
)

OWN_JOBS: Final = (
    Policy(
        "own",
        "SELECT",
        "author_id = nullif(current_setting('reqtrail.actor', true), '')::uuid"
        f" AND {AMONG_LISTED}",
    ),
    Policy("administrators", "SELECT", TO_ADMINISTRATORS),
)
"""For lists across projects: one's own jobs in the projects that one is in, and all of them for administrators."""

jobs = Table(
    "jobs",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("job_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("author_id", Uuid, nullable=True),
    Column("state", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("most_attempts", Integer, nullable=False),
    Column("run_at", DateTime(timezone=True), nullable=False),
    Column("lease_until", DateTime(timezone=True), nullable=True),
    Column("renewals", Integer, nullable=False),
    Column("phase", Text, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("result", JSONB(none_as_null=True), nullable=True),
    Column("error", JSONB(none_as_null=True), nullable=True),
    Column("cancel_requested", Boolean, nullable=False),
    Column("trace_parent", Text, nullable=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=True),
    Column("finished_at", DateTime(timezone=True), nullable=True),
    Column("expires_at", DateTime(timezone=True), nullable=True),
    PrimaryKeyConstraint("project_id", "job_id"),
    ForeignKeyConstraint(["author_id"], ["users.user_id"]),
    Index("ix_jobs_author_id", "author_id", "created_at"),
    Index("ix_jobs_created_at", "created_at", "job_id"),
    Index("ix_jobs_project_id_created_at", "project_id", "created_at"),
    Index("ix_jobs_project_id_started_at", "project_id", "started_at"),
    Index(
        "ix_jobs_queued",
        "project_id",
        "priority",
        "run_at",
        "job_id",
        postgresql_where=text("state = 'queued'"),
    ),
    Index(
        "ix_jobs_running",
        "project_id",
        "lease_until",
        postgresql_where=text("state = 'running'"),
    ),
    info={
        "scope": "tenant",
        "wall": Wall(
            update=True,
            delete=True,
            also=(*OWN_JOBS, *open_to_task("jobs", "UPDATE", "DELETE")),
        ),
    },
)
"""A job: PostgreSQL holds the truth of it. ``project_id`` is ``types.INSTANCE`` for what belongs to no project, so that
no foreign key names the project. ``done`` and ``total`` count what ``phase`` counts."""

job_results = Table(
    "job_results",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("job_id", Uuid, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    PrimaryKeyConstraint("project_id", "job_id", "attempt", "ordinal"),
    ForeignKeyConstraint(["project_id", "job_id"], ["jobs.project_id", "jobs.job_id"]),
    info={
        "scope": "tenant",
        "wall": Wall(delete=True, also=open_to_task("jobs", "DELETE")),
    },
)
"""The file that a job made, in pieces. Two attempts that overlap write beside each other; the one that ended counts."""

schedules = Table(
    "schedules",
    metadata,
    Column("name", Text, nullable=False),
    Column("next_at", DateTime(timezone=True), nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=True),
    Column("last_job_id", Uuid, nullable=True),
    PrimaryKeyConstraint("name"),
    info={"scope": "catalog", "wall": Wall(update=True, delete=True)},
)
"""When each of the schedules is due next. Whoever moves a row on queues the job of that slot, in one transaction."""
