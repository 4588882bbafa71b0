"""Tables of second factors. All belong to accounts, not to projects."""

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
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from reqtrail.platform.crypto import SealedColumn
from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.database.walls import Wall

totp_factors = Table(
    "totp_factors",
    metadata,
    Column("factor_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("seed", LargeBinary, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("confirmed_at", DateTime(timezone=True), nullable=True),
    Column("last_step", BigInteger, nullable=False),
    PrimaryKeyConstraint("factor_id"),
    UniqueConstraint("user_id"),
    ForeignKeyConstraint(["user_id"], ["users.user_id"]),
    info={"scope": "catalog", "wall": Wall(update=True, delete=True)},
)
"""The authenticator of an account. Until a code has confirmed it, it counts for nothing."""

TOTP_SEED: Final = SealedColumn("identity.totp", totp_factors, "seed", ("factor_id", "user_id"))

passkeys = Table(
    "passkeys",
    metadata,
    Column("passkey_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("credential_id", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("transports", JSONB, nullable=False),
    Column("backed_up", Boolean, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("last_used_at", DateTime(timezone=True), nullable=True),
    PrimaryKeyConstraint("passkey_id"),
    UniqueConstraint("credential_id"),
    ForeignKeyConstraint(["user_id"], ["users.user_id"]),
    Index(None, "user_id"),
    info={"scope": "catalog", "wall": Wall(update=True, delete=True)},
)
"""A WebAuthn credential. Only public keys are here."""

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", Uuid, nullable=False),
    Column("code_hash", LargeBinary, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True), nullable=True),
    PrimaryKeyConstraint("user_id", "code_hash"),
    ForeignKeyConstraint(["user_id"], ["users.user_id"]),
    info={"scope": "catalog", "wall": Wall(update=True, delete=True)},
)
"""A code that is good once; it has 120 random bits, so its SHA-256 is stored."""

factor_challenges = Table(
    "factor_challenges",
    metadata,
    Column("challenge_id", Uuid, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("user_id", Uuid, nullable=True),
    Column("nonce", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("challenge_id"),
    UniqueConstraint("token_hash"),
    ForeignKeyConstraint(["user_id"], ["users.user_id"]),
    Index(None, "user_id"),
    Index(None, "expires_at"),
    info={"scope": "catalog", "wall": Wall(update=True, delete=True)},
)
"""A step of a sign-in that is not over yet. It is deleted when it is used."""

factor_guards = Table(
    "factor_guards",
    metadata,
    Column("user_id", Uuid, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("blocked_until", DateTime(timezone=True), nullable=True),
    PrimaryKeyConstraint("user_id"),
    ForeignKeyConstraint(["user_id"], ["users.user_id"]),
    info={"scope": "catalog", "wall": Wall(update=True, delete=True)},
)
"""Wrong codes in a row. The row is locked while a code is checked, so that guesses come one at a time."""
