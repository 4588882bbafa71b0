"""The tables of seals, and the buckets of leaves that seals share."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.types import Uuid

from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.database.walls import Wall, open_to_task

seals = Table(
    "seals",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("branch_id", Uuid, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("commit_hash", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("next_bucket", Integer, nullable=False),
    Column("rehashed", Integer, nullable=False),
    Column("roots", LargeBinary, nullable=False),
    Column("leaf_count", BigInteger, nullable=True),
    Column("root", LargeBinary, nullable=True),
    Column("tree", LargeBinary, nullable=True),
    Column("changes", LargeBinary, nullable=True),
    Column("error", Text, nullable=True),
    Column("attempts", Integer, nullable=False),
    Column("lease_until", DateTime(timezone=True), nullable=True),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True), nullable=True),
    PrimaryKeyConstraint("project_id", "branch_id", "seq"),
    ForeignKeyConstraint(
        ["project_id", "branch_id"], ["branches.project_id", "branches.branch_id"]
    ),
    Index(
        "ix_seals_waiting",
        "project_id",
        "requested_at",
        postgresql_where=text("state IN ('pending', 'sealing')"),
    ),
    info={"scope": "tenant", "wall": Wall(update=True, also=open_to_task("seals", "UPDATE"))},
)
"""One seal of the state after commit ``seq`` of a branch. PostgreSQL holds the truth of the job that makes it.

``roots`` are the roots of the buckets below ``next_bucket``, 32 bytes each; a lease that ran out means that the process
which had it died, and the next one goes on at ``next_bucket``.
"""

seal_buckets = Table(
    "seal_buckets",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("members", LargeBinary, nullable=False),
    PrimaryKeyConstraint("project_id", "root"),
    ForeignKeyConstraint(["project_id"], ["projects.project_id"]),
    info={"scope": "tenant"},
)
"""The leaves of a bucket by its root: seals that have a bucket in common share it. Empty buckets have no row."""
