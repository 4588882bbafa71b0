"""Single sign-on as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Metadata:
    """What a provider says about itself (OpenID Connect Discovery 1.0), as far as it is used and was checked."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    algorithms: tuple[str, ...]
    names_issuer: bool
    """Whether its answers name the issuer (RFC 9207), so that one without is refused."""


@dataclass(frozen=True)
class Attempt:
    """A sign-in that began and waits for the provider's answer."""

    provider_id: str
    browser_hash: bytes
    return_path: str
    user_id: UUID | None
    """The account that the identity is to be linked to, or None for a sign-in."""


@dataclass(frozen=True)
class Secrets:
    """What binds an answer to the attempt: both follow from the browser's cookie and the state."""

    nonce: str
    code_verifier: str


@dataclass(frozen=True)
class Person:
    """Who the provider says is there; its signature and everything about the token was checked."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str | None


@dataclass(frozen=True)
class LinkedIdentity:
    """An identity at a provider that signs in to an account."""

    identity_id: UUID
    user_id: UUID
    issuer: str
    subject: str
    email: str | None
    linked_at: datetime
    used_at: datetime | None


JsonObject = dict[str, Any]
