"""Accounts as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class User:
    """An account, without its password."""

    user_id: UUID
    email: str
    display_name: str
    is_administrator: bool
    active: bool
    created_at: datetime


Actor = User
"""Who does something: an active account, proven by the credentials of the request."""


@dataclass(frozen=True)
class Credential:
    """What a request proves itself with, its form checked, the database not yet asked.

    Either ``user_id`` and ``family_id`` (an access token of one sign-in) or ``token_hash`` (a personal token).
    """

    user_id: UUID | None = None
    family_id: UUID | None = None
    token_hash: bytes | None = None


@dataclass(frozen=True)
class ApiToken:
    """A personal token as it is listed: its secret is shown once, at its making."""

    token_id: UUID
    name: str
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True)
class RefreshFamily:
    """One sign-in of one browser."""

    family_id: UUID
    user_id: UUID
    token_hash: bytes
    previous_hash: bytes | None
    rotated_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
