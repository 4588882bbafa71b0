"""Tokens: short signed access tokens, rotating refresh tokens, personal API tokens."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from joserfc import jwt
from joserfc.errors import ClaimError
from joserfc.jwk import ECKey
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity import repository
from reqtrail.features.identity.errors import TokenInvalid, TokenLimited, TokenLivesTooLong
from reqtrail.features.identity.service.token_text import (
    API_TOKEN_PREFIX,
    hint_of,
    is_well_formed,
    new_token,
)
from reqtrail.features.identity.signing.keeping import ALGORITHM
from reqtrail.features.identity.signing.ring import KeyRing
from reqtrail.features.identity.types import NO_DEVICE, Actor, Credential, Device, User
from reqtrail.kit import clock
from reqtrail.kit.ids import new_id
from reqtrail.kit.signed_tokens import Header, NotVerified, verified_claims
from reqtrail.platform.auditing import describe, identify, leave_no_event

ISSUER: Final = "reqtrail"
HEADER_NAMES: Final = {"alg", "kid", "typ"}
LEEWAY_SECONDS: Final = 5
"""By how much the clocks of the machines that serve the API may differ."""
REMEMBERED: Final = 10_000
"""How many tokens a process remembers as checked."""

_NEEDED: Final[ClaimsOption] = {"essential": True}


class TokenSigner:
    """Signs and checks access tokens with the keys of a ring.

    Checking a signature costs a tenth of a millisecond or two, so what was found good is remembered by the token's
    digest until it expires or the keys change. Whether the sign-in still lives is asked of the database at each request
    all the same.

    Args:
        secret: Keys the digests of :meth:`fingerprint`.
        minutes: How long a token is good.
    """

    def __init__(self, keys: KeyRing, secret: bytes, minutes: int) -> None:
        self.keys = keys
        self.lifetime = timedelta(minutes=minutes)
        self._fingerprint_key = hashlib.sha256(secret).digest()
        self._checked: OrderedDict[tuple[str, bytes], tuple[float, Credential]] = OrderedDict()
        keys.on_change(self._checked.clear)

    def fingerprint(self, content: bytes) -> bytes:
        """Return a keyed digest of *content*, by which it can be recognised but not guessed.

        It does not change when signing keys rotate.
        """
        return hmac.digest(self._fingerprint_key, content, "sha256")

    def sign(self, user_id: UUID, family_id: UUID, audience: str) -> str:
        """Return a token for *audience* (``api`` or ``files``).

        Raises:
            KeysUnavailable: If no key could be loaded yet.
        """
        key = self.keys.active()
        now = clock.now()
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "sub": str(user_id),
            "sid": str(family_id),
            "iat": now,
            "exp": now + self.lifetime,
            "jti": secrets.token_hex(8),
        }
        return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key, [ALGORITHM])

    async def check(self, token: str, audience: str) -> Credential:
        """Return what *token* proves, if the database agrees.

        Raises:
            TokenInvalid: If it is not one of ours, for another audience, or expired.
        """
        remembered = audience, hash_token(token)
        known = self._checked.get(remembered)
        if known is not None and known[0] > clock.now().timestamp():
            return known[1]
        try:
            claims = await self._claims(token)
            _check_claims(claims, audience)
            credential = Credential(user_id=UUID(claims["sub"]), family_id=UUID(claims["sid"]))
        except (NotVerified, ClaimError, ValueError, TypeError, AttributeError):
            raise TokenInvalid("Your sign-in is no longer valid. Sign in again.") from None
        self._checked[remembered] = claims["exp"], credential
        if len(self._checked) > REMEMBERED:
            self._checked.popitem(last=False)
        return credential

    def end_of(self, token: str) -> float | None:
        """Return until when a token that was just checked is good, in seconds of the epoch; None for an API token."""
        known = self._checked.get(("api", hash_token(token)))
        return None if known is None else known[0]

    async def _claims(self, token: str) -> dict[str, Any]:
        unknown: list[str] = []

        def find(header: Header) -> ECKey | None:
            kid = header.get("kid")
            if not header.keys() <= HEADER_NAMES or not isinstance(kid, str):
                return None
            key = self.keys.find(kid)
            if key is None:
                unknown.append(kid)
            return key

        try:
            return verified_claims(token, find, [ALGORITHM])
        except NotVerified:
            if not unknown:
                raise
        # Another process may have made a new key a moment ago.
        await self.keys.look_up(unknown[0])
        return verified_claims(token, find, [ALGORITHM])


def _check_claims(claims: dict[str, Any], audience: str) -> None:
    """Raise ClaimError unless the claims are ours, for *audience*, and good at this moment."""
    expected = JWTClaimsRegistry(
        now=int(clock.now().timestamp()),
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": audience},
        exp=_NEEDED,
        iat=_NEEDED,
        sub=_NEEDED,
        sid=_NEEDED,
        jti=_NEEDED,
    )
    expected.validate(claims)


def hash_token(token: str) -> bytes:
    """Return what is stored of a random token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _refresh_token(family_id: UUID) -> str:
    return f"{family_id.hex}.{secrets.token_urlsafe(32)}"


def _family_of(token: str) -> UUID | None:
    try:
        return UUID(hex=token.partition(".")[0])
    except ValueError:
        return None


async def begin_family(
    session: AsyncSession, user_id: UUID, days: int, device: Device = NO_DEVICE
) -> tuple[UUID, str]:
    """Begin a sign-in on *device*; return its id and its first refresh token."""
    family_id, now = new_id(), clock.now()
    token = _refresh_token(family_id)
    identify(session, actor_id=user_id, proof="session", proof_id=family_id)
    describe(session, action="session:open", subject=("user", user_id))
    await repository.insert_family(
        session,
        family_id=family_id,
        user_id=user_id,
        token_hash=hash_token(token),
        rotated_at=now,
        created_at=now,
        expires_at=now + timedelta(days=days),
        address=device.address,
        user_agent=device.user_agent,
    )
    return family_id, token


async def rotate(
    session: AsyncSession, token: str, days: int, device: Device = NO_DEVICE
) -> tuple[User, UUID, str] | None:
    """Exchange a refresh token for one good for *days*; return (account, family, new token), or None if it is not good.

    Only the newest token of a family is good. An older one, however old, ends the family: either its owner or a
    thief holds a copy, and which of them is not knowable (RFC 9700, 4.14.2). There is no time of grace, in which a
    thief could go unnoticed, so the tabs of a browser take turns. The caller must let the transaction commit also
    when the answer is None, or the family would live on.
    """
    family_id = _family_of(token)
    family = await repository.lock_family(session, family_id) if family_id else None
    now = clock.now()
    if family is None or family.revoked_at is not None or family.expires_at <= now:
        leave_no_event(session)
        return None
    identify(session, actor_id=family.user_id, proof="session", proof_id=family.family_id)
    subject = ("user", family.user_id)
    describe(session, action="session:refresh", subject=subject)
    user = await repository.find_user(session, family.user_id)
    newest = hmac.compare_digest(hash_token(token), family.token_hash)
    if user is None or not user.active or not newest:
        await repository.revoke_families(session, now, family_id=family.family_id)
        reason = "the account is disabled" if newest else "a token was used twice"
        describe(session, action="session:revoke", outcome="refused", details={"reason": reason})
        return None
    fresh = _refresh_token(family.family_id)
    await repository.rotate_family(
        session, family, hash_token(fresh), now, now + timedelta(days=days), device
    )
    return user, family.family_id, fresh


async def end_family(session: AsyncSession, token: str) -> None:
    """End the sign-in that a refresh token belongs to; an unknown token is nothing."""
    family_id = _family_of(token)
    family = await repository.lock_family(session, family_id) if family_id else None
    if family is None or hash_token(token) not in {family.token_hash, family.previous_hash}:
        leave_no_event(session)
        return
    identify(session, actor_id=family.user_id, proof="session", proof_id=family.family_id)
    describe(session, action="session:close", subject=("user", family.user_id))
    await repository.revoke_families(session, clock.now(), family_id=family.family_id)


async def make_api_token(
    session: AsyncSession,
    user_id: UUID,
    name: str,
    expires_at: datetime | None,
    *,
    permissions: Collection[str] | None = None,
    project_ids: Collection[UUID] | None = None,
) -> tuple[UUID, str]:
    """Make a personal token; return its id and its secret, which is shown this once.

    Args:
        permissions, project_ids: What it is limited to; None for all that the account may do.
    """
    token_id, token = new_id(), new_token()
    await repository.insert_token(
        session,
        token_id=token_id,
        user_id=user_id,
        name=name,
        hint=hint_of(token),
        token_hash=hash_token(token),
        permissions=None if permissions is None else sorted(permissions),
        project_ids=None if project_ids is None else sorted(project_ids),
        created_at=clock.now(),
        expires_at=expires_at,
    )
    described = {
        "name": name,
        "user": user_id,
        "expires_at": expires_at,
        "permissions": None if permissions is None else sorted(permissions),
        "projects": None if project_ids is None else [str(item) for item in sorted(project_ids)],
    }
    describe(session, action="token:create", subject=("token", token_id), new=described)
    return token_id, token


def end_of_token(actor: Actor, days: int | None, max_days: int) -> datetime | None:
    """Return when a token that *actor* makes expires.

    Args:
        days: How long it shall live; None for as long as possible.
        max_days: How long a token may live; 0 for as long as one likes.

    Raises:
        TokenLivesTooLong: If *days* are more than that, or outlast the token that *actor* came with.
    """
    if days is not None and max_days and days > max_days:
        raise TokenLivesTooLong(f"A token of this instance lives for at most {max_days} days.")
    wanted = days or max_days or None
    end = None if wanted is None else clock.now() + timedelta(days=wanted)
    maker = actor.token.expires_at if actor.token else None
    if maker is None:
        return end
    if days is not None and end is not None and end > maker:
        raise TokenLivesTooLong("A token that is made with a token does not outlast it.")
    return maker if end is None else min(end, maker)


async def read_credential(signer: TokenSigner, token: str, audience: str) -> Credential:
    """Return what a bearer token proves, if the database agrees; personal tokens are for the API alone.

    Raises:
        TokenInvalid: If it is not one of ours, for another audience, or expired.
    """
    if token.startswith(API_TOKEN_PREFIX) and audience == "api":
        if not is_well_formed(token):
            raise TokenInvalid("This is no API token: a part of it is missing or mistyped.")
        return Credential(token_hash=hash_token(token))
    return await signer.check(token, audience)


def identify_actor(
    session: AsyncSession, actor: Actor, credential: Credential, project_id: UUID | None = None
) -> None:
    """Say in the record of *session* who acts, by which credential, and in which project."""
    if actor.token is not None:
        identify(
            session,
            actor_id=actor.user_id,
            proof="token",
            proof_id=actor.token.token_id,
            project_id=project_id,
        )
        return
    identify(
        session,
        actor_id=actor.user_id,
        proof="session",
        proof_id=credential.family_id,
        project_id=project_id,
    )


async def authenticate(
    session: AsyncSession, credential: Credential, *, limited: bool = False
) -> Actor:
    """Return the active account that *credential* proves.

    Args:
        limited: Whether a token that is limited to permissions or projects will do.

    Raises:
        TokenInvalid: If its sign-in was ended, the token was revoked, or the account is disabled.
        TokenLimited: If the token is limited, and what it is for needs the whole account.
    """
    actor = await repository.find_active_user(session, credential)
    if actor is None:
        raise TokenInvalid("Your sign-in is no longer valid. Sign in again.")
    identify_actor(session, actor, credential)
    if actor.token is not None and actor.token.is_limited and not limited:
        raise TokenLimited(
            "This token is limited to work in projects. Sign in, or use another one."
        )
    return actor
