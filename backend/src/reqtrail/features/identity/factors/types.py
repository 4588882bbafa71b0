"""Factors as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Method(StrEnum):
    """A way to prove oneself beside the password."""

    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY_CODE = "recovery_code"


class Purpose(StrEnum):
    """What a challenge is for; one made for one purpose is good for no other."""

    SECOND_FACTOR = "second_factor"
    ENROL = "enrol"
    PASSKEY = "passkey"
    REGISTRATION = "registration"


@dataclass(frozen=True)
class Totp:
    """An authenticator of an account; ``seed`` is sealed, ``last_step`` the last time step whose code was used."""

    factor_id: UUID
    user_id: UUID
    seed: bytes
    made_at: datetime
    confirmed_at: datetime | None
    last_step: int


@dataclass(frozen=True)
class Passkey:
    """A passkey of an account."""

    passkey_id: UUID
    user_id: UUID
    name: str
    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: list[str]
    backed_up: bool
    made_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True)
class Challenge:
    """A short-lived proof of the step before; ``nonce`` is what an authenticator signs."""

    challenge_id: UUID
    user_id: UUID | None
    nonce: bytes
    attempts: int


@dataclass(frozen=True)
class Factors:
    """What an account has beside its password."""

    totp_since: datetime | None
    passkeys: list[Passkey]
    recovery_codes_left: int

    @property
    def any(self) -> bool:
        """Whether the account has a second factor; recovery codes alone are none."""
        return self.totp_since is not None or bool(self.passkeys)

    @property
    def methods(self) -> list[Method]:
        """How the account can prove itself, the handiest first."""
        return [
            method
            for method, there in (
                (Method.PASSKEY, bool(self.passkeys)),
                (Method.TOTP, self.totp_since is not None),
                (Method.RECOVERY_CODE, self.any and self.recovery_codes_left > 0),
            )
            if there
        ]


@dataclass(frozen=True)
class Enrolment:
    """What an authenticator needs: the secret in base32, and its address as text and as a picture (a data URI)."""

    secret: str
    uri: str
    picture: str
