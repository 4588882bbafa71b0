"""The tables of single sign-on."""

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
    UniqueConstraint,
    Uuid,
)

from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.database.walls import Wall

identities = Table(
    "identities",
    metadata,
    Column("identity_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("email", Text, nullable=True),
    Column("linked_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True), nullable=True),
    PrimaryKeyConstraint("identity_id"),
    UniqueConstraint("issuer", "subject"),
    ForeignKeyConstraint(["user_id"], ["users.user_id"]),
    Index(None, "user_id"),
    info={"scope": "catalog", "wall": Wall(update=True, delete=True)},
)
"""Who may sign in to which account through a provider. ``email`` is what the provider said last; it decides nothing."""

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("state_hash", LargeBinary, nullable=False),
    Column("browser_hash", LargeBinary, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("return_path", Text, nullable=False),
    Column("user_id", Uuid, nullable=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("state_hash"),
    ForeignKeyConstraint(["user_id"], ["users.user_id"]),
    Index(None, "user_id"),
    Index(None, "expires_at"),
    info={"scope": "catalog", "wall": Wall(delete=True)},
)
"""Sign-ins that wait for a provider's answer. A row is deleted by the first answer that names it."""
