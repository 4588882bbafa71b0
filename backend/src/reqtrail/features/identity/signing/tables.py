"""The table of signing keys, which all processes share."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.database.walls import Wall

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Text, nullable=False),
    Column("algorithm", Text, nullable=False),
    Column("public_key", JSONB, nullable=False),
    Column("sealed_private_key", LargeBinary, nullable=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("retired_at", DateTime(timezone=True), nullable=True),
    Column("expires_at", DateTime(timezone=True), nullable=True),
    PrimaryKeyConstraint("kid"),
    CheckConstraint("(retired_at IS NULL) = (sealed_private_key IS NOT NULL)", name="private"),
    CheckConstraint("(retired_at IS NULL) = (expires_at IS NULL)", name="expiry"),
    Index(
        "uq_signing_keys_active",
        "algorithm",
        unique=True,
        postgresql_where=text("retired_at IS NULL"),
    ),
    info={"scope": "catalog", "wall": Wall(update=True, delete=True)},
)
"""``public_key`` is a JWK. The private part is encrypted, and destroyed when the key retires.

``kid`` is the thumbprint of the public key (RFC 7638). One key is active: no ``retired_at``. A retired one is good for
checking until ``expires_at``.
"""
