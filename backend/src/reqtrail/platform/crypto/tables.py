"""Data keys, each wrapped by a master key that the database never holds."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.database.walls import Wall

data_keys = Table(
    "data_keys",
    metadata,
    Column("key_id", Uuid, nullable=False),
    Column("project_id", Uuid, nullable=True),
    Column("master_id", Text, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("retired_at", DateTime(timezone=True), nullable=True),
    Column("emptied_at", DateTime(timezone=True), nullable=True),
    PrimaryKeyConstraint("key_id"),
    ForeignKeyConstraint(["project_id"], ["projects.project_id"]),
    Index(None, "project_id"),
    Index(
        "uq_data_keys_active",
        "project_id",
        unique=True,
        postgresql_where=text("retired_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    ),
    info={"scope": "catalog", "wall": Wall(update=True)},
)
"""No ``project_id`` is the instance's. A retired key encrypts nothing new; once emptied, nothing needs it any more."""
