"""Passkeys (WebAuthn level 3): registration and use, always with user verification."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from reqtrail.features.identity.factors import repository
from reqtrail.features.identity.factors.errors import PasskeyRefused, PasskeyTaken
from reqtrail.features.identity.factors.types import Passkey
from reqtrail.features.identity.types import User
from reqtrail.kit import clock
from reqtrail.kit.ids import new_id
from reqtrail.platform.settings import Settings

logger = structlog.get_logger()

NAME: Final = "Reqtrail"
MOST_PASSKEYS: Final = 20
TIMEOUT_MS: Final = 300_000
_TRANSPORTS: Final = {transport.value for transport in AuthenticatorTransport}
_UNREADABLE: Final = (WebAuthnException, ValueError, TypeError, LookupError, AttributeError)
"""What the library raises on answers that are refused, and on answers that are none."""

Json = dict[str, Any]


@dataclass(frozen=True)
class RelyingParty:
    """Whom passkeys are for: the public address of the instance, and never what a request claims."""

    origin: str

    @classmethod
    def of(cls, settings: Settings) -> RelyingParty:
        """Return that of an instance; without a public address it is used on its own machine."""
        parts = urlsplit(settings.public_url or f"http://localhost:{settings.port}")
        usual = {"http": 80, "https": 443}.get(parts.scheme)
        port = f":{parts.port}" if parts.port not in {None, usual} else ""
        return cls(f"{parts.scheme}://{parts.hostname}{port}")

    @property
    def id(self) -> str:
        """The host name, to which authenticators bind passkeys."""
        return urlsplit(self.origin).hostname or ""


def registration_options(
    party: RelyingParty, user: User, present: list[Passkey], nonce: bytes
) -> Json:
    """Return what the browser asks an authenticator to make a passkey with.

    Raises:
        PasskeyRefused: If the account has as many as it may.
    """
    if len(present) >= MOST_PASSKEYS:
        raise PasskeyRefused(f"An account has at most {MOST_PASSKEYS} passkeys. Remove one first.")
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=NAME,
        user_name=user.email,
        user_id=user.user_id.bytes,
        user_display_name=user.display_name,
        challenge=nonce,
        timeout=TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_described(present),
    )
    return _as_json(options_to_json(options))


async def register(
    session: AsyncSession,
    party: RelyingParty,
    user: User,
    nonce: bytes,
    name: str,
    credential: Mapping[str, Any],
) -> Passkey:
    """Keep the passkey that an authenticator made for *nonce*.

    Raises:
        PasskeyRefused: If the answer does not prove it.
        PasskeyTaken: If it is registered already.
    """
    try:
        made = verify_registration_response(
            credential=dict(credential),
            expected_challenge=nonce,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except _UNREADABLE as error:
        raise _refused("registration", error) from None
    told = credential["response"].get("transports")
    transports = {str(item) for item in told} if isinstance(told, list) else set()
    passkey = Passkey(
        passkey_id=new_id(),
        user_id=user.user_id,
        name=name,
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        transports=sorted(_TRANSPORTS & transports),
        backed_up=made.credential_backed_up,
        made_at=clock.now(),
        last_used_at=None,
    )
    if not await repository.insert_passkey(session, passkey):
        raise PasskeyTaken("This passkey is registered already.")
    return passkey


def request_options(party: RelyingParty, nonce: bytes, present: list[Passkey] | None) -> Json:
    """Return what the browser asks an authenticator to sign with.

    Args:
        present: The passkeys that will do; None lets the person choose an account.
    """
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=nonce,
        timeout=TIMEOUT_MS,
        allow_credentials=None if present is None else _described(present),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _as_json(options_to_json(options))


async def check(
    session: AsyncSession,
    party: RelyingParty,
    nonce: bytes,
    credential: Mapping[str, Any],
    user_id: UUID | None,
) -> UUID | None:
    """Return the account whose passkey signed *nonce*, or None if none did.

    A count of uses that does not grow means that there is a copy of the authenticator, so it is refused.

    Args:
        user_id: The only account that it may be; None allows any.
    """
    try:
        credential_id = base64url_to_bytes(str(credential["rawId"]))
    except _UNREADABLE:
        return None
    passkey = await repository.lock_passkey(session, credential_id)
    if passkey is None or user_id not in {None, passkey.user_id}:
        return None
    try:
        used = verify_authentication_response(
            credential=dict(credential),
            expected_challenge=nonce,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
        handle = credential["response"].get("userHandle")
        if handle and base64url_to_bytes(str(handle)) != passkey.user_id.bytes:
            raise ValueError("the passkey is of another account")
    except _UNREADABLE as error:
        _refused("use", error)
        return None
    await repository.update_passkey(
        session,
        passkey.user_id,
        passkey.passkey_id,
        sign_count=used.new_sign_count,
        backed_up=used.credential_backed_up,
        last_used_at=clock.now(),
    )
    return passkey.user_id


def _described(present: list[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=passkey.credential_id,
            transports=[AuthenticatorTransport(item) for item in passkey.transports] or None,
        )
        for passkey in present
    ]


def _as_json(text: str) -> Json:
    options: Json = json.loads(text)
    return options


def _refused(step: str, error: Exception) -> PasskeyRefused:
    logger.info("passkey_refused", step=step, reason=type(error).__name__)
    return PasskeyRefused("The passkey was not accepted. Try again, or use another way.")
