"""Projects: the unit of ownership, access and sharding."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.database.walls import LISTED, Wall

projects = Table(
    "projects",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("created_by", Uuid, nullable=False),
    PrimaryKeyConstraint("project_id"),
    UniqueConstraint("key"),
    ForeignKeyConstraint(["created_by"], ["users.user_id"]),
    Index(None, "created_by"),
    info={
        "scope": "reference",
        "wall": Wall(update=("name", "description", "archived"), also=LISTED),
    },
)
"""``key``: the short upper-case name that item keys begin with, such as ``BRK``."""
