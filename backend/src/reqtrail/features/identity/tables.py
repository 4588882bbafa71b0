"""Accounts and what they sign in with. Users are a reference table: small, global, rarely written."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
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
from sqlalchemy.dialects.postgresql import JSONB

from reqtrail.platform.database.access import Access
from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.database.walls import Wall

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
    Column("email_verified_at", DateTime(timezone=True), nullable=True),
    PrimaryKeyConstraint("user_id"),
    UniqueConstraint("email"),
    info={
        "scope": "reference",
        "wall": Wall(update=True),
        "access": Access({"user_id": "account"}, when=("active", "is_administrator")),
    },
)
"""``email`` is stored in lower case; it is what a person signs in with.

``email_verified_at``: when somebody followed a link that was sent there; nobody has while it is null.
"""

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
    Column("address", Text, nullable=False, server_default=""),
    Column("user_agent", Text, nullable=False, server_default=""),
    Column("proven_at", DateTime(timezone=True), nullable=True),
    PrimaryKeyConstraint("family_id"),
    UniqueConstraint("token_hash"),
    ForeignKeyConstraint(["user_id"], ["users.user_id"]),
    Index(None, "user_id"),
    info={
        "scope": "catalog",
        "wall": Wall(update=True, delete=True),
        "access": Access({"user_id": "account", "family_id": "session"}, when=("revoked_at",)),
    },
)
"""One sign-in of one browser. Only the newest refresh token of a family is good; an older one kills the family.

``address`` and ``user_agent`` are those of the newest refresh, at ``rotated_at``. ``proven_at`` is when its person last
proved themselves again; without it that was when the family began.
"""

account_links = Table(
    "account_links",
    metadata,
    Column("link_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("email", Text, nullable=False),
    Column("user_id", Uuid, nullable=True),
    Column("scope", Uuid, nullable=True),
    Column("details", JSONB, nullable=False),
    Column("created_by", Uuid, nullable=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True), nullable=True),
    Column("revoked_at", DateTime(timezone=True), nullable=True),
    PrimaryKeyConstraint("link_id"),
    UniqueConstraint("token_hash"),
    ForeignKeyConstraint(["user_id"], ["users.user_id"]),
    ForeignKeyConstraint(["created_by"], ["users.user_id"]),
    Index(None, "user_id"),
    Index(None, "created_by"),
    Index(None, "email"),
    Index(None, "scope"),
    info={"scope": "catalog", "wall": Wall(update=True, delete=True)},
)
"""A link that was mailed: good once, for one purpose, until it expires. Its token is stored as a hash of both.

``user_id`` is the account that it acts on; ``scope`` what a feature above invites to, in its own ids and ``details``.
"""

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("token_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("hint", Text, nullable=True),
    Column("token_hash", LargeBinary, nullable=False),
    Column("permissions", ARRAY(Text), nullable=True),
    Column("project_ids", ARRAY(Uuid), nullable=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=True),
    Column("revoked_at", DateTime(timezone=True), nullable=True),
    Column("last_used_at", DateTime(timezone=True), nullable=True),
    PrimaryKeyConstraint("token_id"),
    UniqueConstraint("token_hash"),
    ForeignKeyConstraint(["user_id"], ["users.user_id"]),
    Index(None, "user_id"),
    info={
        "scope": "catalog",
        "wall": Wall(update=True),
        "access": Access({"user_id": "account"}, when=("revoked_at",)),
    },
)
"""A personal token for the command line and API clients; only its SHA-256 is stored.

``permissions`` and ``project_ids``: what it is limited to; without, it is good for all that its account may do.
``hint``: how it begins. ``last_used_at``: to the minute.
"""

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
    info={"scope": "catalog", "wall": Wall(update=True, delete=True)},
)
"""The answer to a write that carried an ``Idempotency-Key``, kept in the transaction of the write itself."""
