"""Attachments: bytes addressed by their SHA-256, held in PostgreSQL so that backup and replicas hold them too."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Uuid,
    text,
)

from reqtrail.platform.crypto import SealedColumn
from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.database.walls import Wall, open_to_task

attachments = Table(
    "attachments",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("sealed", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("project_id", "sha256"),
    ForeignKeyConstraint(["project_id"], ["projects.project_id"]),
    info={"scope": "tenant", "wall": Wall(delete=True, also=open_to_task("keys", "UPDATE"))},
)
"""``sha256`` and ``size`` are those of the plain bytes, whether ``data`` is sealed or not.

The application adds and removes rows and changes none: keys are rotated by the owner of the tables.
"""

ATTACHMENT_BYTES = SealedColumn(
    "files.attachment",
    attachments,
    "data",
    ("project_id", "sha256"),
    in_project=True,
    flag="sealed",
)
