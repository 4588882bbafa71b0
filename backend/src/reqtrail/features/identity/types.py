"""Accounts as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
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
    email_verified_at: datetime | None = None

    @property
    def email_verified(self) -> bool:
        """Whether somebody followed a link that was sent to the address."""
        return self.email_verified_at is not None


@dataclass(frozen=True)
class TokenGrant:
    """What an API token is good for.

    Attributes:
        permissions: The permissions in projects that it is limited to; None for all of its account.
        project_ids: The projects that it is limited to; None for all of its account.
    """

    token_id: UUID
    permissions: frozenset[str] | None
    project_ids: frozenset[UUID] | None
    expires_at: datetime | None

    @property
    def is_limited(self) -> bool:
        """Return whether it may do less than its account."""
        return self.permissions is not None or self.project_ids is not None


@dataclass(frozen=True)
class Actor(User):
    """Who does something: an active account, proven by the credentials of the request.

    Attributes:
        token: The API token that proves it, if it is one.
    """

    token: TokenGrant | None = None


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
    hint: str | None
    permissions: list[str] | None
    project_ids: list[UUID] | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class Purpose(StrEnum):
    """What a mailed link is for; it is good for nothing else."""

    INVITATION = "invitation"
    REGISTRATION = "registration"
    EMAIL_VERIFICATION = "email_verification"
    EMAIL_CHANGE = "email_change"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a purpose


@dataclass(frozen=True)
class Link:
    """A mailed link, without its token.

    Attributes:
        email: Where it was sent.
        user_id: The account that it acts on, if there is one.
        scope: What the invitation is to, in the ids of the feature that invites; None for the instance.
        details: What the feature that invites wants to know again.
    """

    link_id: UUID
    purpose: Purpose
    email: str
    user_id: UUID | None
    scope: UUID | None
    details: dict[str, Any]
    created_by: UUID | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Device:
    """What a sign-in is made with, as far as a request says."""

    address: str = ""
    user_agent: str = ""


NO_DEVICE: Final = Device()
"""Nothing is known of what a sign-in is made with."""


@dataclass(frozen=True)
class SignInSession:
    """A sign-in as its owner sees it."""

    family_id: UUID
    created_at: datetime
    rotated_at: datetime
    address: str
    user_agent: str
    current: bool


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
