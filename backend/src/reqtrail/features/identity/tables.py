"""Accounts and what they sign in with. Users are a reference table: small, global, rarely written."""

from __future__ import annotations

from sqlalchemy import (
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
    UniqueConstraint,
    Uuid,
)

from reqtrail.platform.database.metadata import metadata

users = Table(
    "users",
    metadata,
    Column("user_id", Uuid, nullable=False),
    Column("email", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("is_administrator", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("user_id"),
    UniqueConstraint("email"),
    info={"scope": "reference"},
)
"""``email`` is stored in lower case; it is what a person signs in with."""

refresh_families = Table(
    "refresh_families",
    metadata,
    Column("family_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("previous_hash", LargeBinary, nullable=True),
    Column("rotated_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True), nullable=True),
    PrimaryKeyConstraint("family_id"),
    UniqueConstraint("token_hash"),
    ForeignKeyConstraint(["user_id"], ["users.user_id"]),
    Index(None, "user_id"),
    info={"scope": "catalog"},
)
"""One sign-in of one browser. Only the newest refresh token of a family is good; an older one kills the family."""

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("token_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=True),
    Column("revoked_at", DateTime(timezone=True), nullable=True),
    PrimaryKeyConstraint("token_id"),
    UniqueConstraint("token_hash"),
    ForeignKeyConstraint(["user_id"], ["users.user_id"]),
    Index(None, "user_id"),
    info={"scope": "catalog"},
)
"""A personal token for the command line and API clients; only its SHA-256 is stored."""

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("user_id", Uuid, nullable=False),
    Column("key", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("user_id", "key"),
    ForeignKeyConstraint(["user_id"], ["users.user_id"]),
    info={"scope": "catalog"},
)
"""The answer to a write that carried an ``Idempotency-Key``, kept in the transaction of the write itself."""
