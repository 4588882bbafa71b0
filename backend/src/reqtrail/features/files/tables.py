"""Attachments: bytes addressed by their SHA-256, held in PostgreSQL so that backup and replicas hold them too."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Uuid,
)

from reqtrail.platform.database.metadata import metadata

attachments = Table(
    "attachments",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    PrimaryKeyConstraint("project_id", "sha256"),
    ForeignKeyConstraint(["project_id"], ["projects.project_id"]),
    info={"scope": "tenant"},
)
