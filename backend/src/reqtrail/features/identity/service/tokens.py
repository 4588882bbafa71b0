"""Tokens: short signed access tokens, rotating refresh tokens, personal API tokens."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import jwt
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity import repository
from reqtrail.features.identity.errors import TokenInvalid
from reqtrail.features.identity.types import User
from reqtrail.kit import clock
from reqtrail.kit.ids import new_id

ALGORITHM = "HS256"
ISSUER = "reqtrail"
API_TOKEN_PREFIX = "rqt_"  # noqa: S105 - a prefix, not a secret
REUSE_GRACE = timedelta(seconds=10)
"""A browser whose tabs refresh at once sends the previous token again within this time; that is no theft."""


@dataclass(frozen=True)
class Claims:
    """What a good access token says."""

    user_id: UUID
    family_id: UUID


class TokenSigner:
    """Signs and checks access tokens with one key and one algorithm.

    Args:
        key: At least 32 bytes.
        minutes: How long a token is good.
    """

    def __init__(self, key: bytes, minutes: int) -> None:
        self._key = hashlib.sha256(key).digest()
        self.lifetime = timedelta(minutes=minutes)

    def sign(self, user_id: UUID, family_id: UUID, audience: str) -> str:
        """Return a token for *audience* (``api`` or ``files``)."""
        now = clock.now()
        return jwt.encode(
            {
                "iss": ISSUER,
                "aud": audience,
                "sub": str(user_id),
                "sid": str(family_id),
                "iat": now,
                "exp": now + self.lifetime,
                "jti": secrets.token_hex(8),
            },
            self._key,
            algorithm=ALGORITHM,
        )

    def check(self, token: str, audience: str) -> Claims:
        """Return what *token* says.

        Raises:
            TokenInvalid: If it is not one of ours, for another audience, or expired.
        """
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=audience,
                issuer=ISSUER,
                options={"require": ["exp", "iat", "sub", "sid", "aud", "iss"]},
            )
            return Claims(UUID(claims["sub"]), UUID(claims["sid"]))
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
            raise TokenInvalid("Your sign-in is no longer valid. Sign in again.") from None


def hash_token(token: str) -> bytes:
    """Return what is stored of a random token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


async def begin_family(session: AsyncSession, user_id: UUID, days: int) -> tuple[UUID, str]:
    """Begin a sign-in; return its id and its first refresh token."""
    family_id, token, now = new_id(), secrets.token_urlsafe(32), clock.now()
    await repository.insert_family(
        session,
        family_id=family_id,
        user_id=user_id,
        token_hash=hash_token(token),
        rotated_at=now,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    return family_id, token


async def rotate(session: AsyncSession, token: str) -> tuple[User, UUID, str] | None:
    """Exchange a refresh token; return (account, family, new token), or None when it is not good.

    A token that was exchanged before kills its family: either its owner or a thief holds an old copy. The caller must
    let the transaction commit also when the answer is None, or the family would live on.
    """
    family = await repository.lock_family(session, hash_token(token))
    now = clock.now()
    if family is None or family.revoked_at is not None or family.expires_at <= now:
        return None
    user = await repository.find_user(session, family.user_id)
    reused = family.previous_hash == hash_token(token)
    if user is None or not user.active or (reused and now - family.rotated_at > REUSE_GRACE):
        await repository.revoke_families(session, now, family_id=family.family_id)
        return None
    if reused:
        # The other tab has got the new token by cookie already; this one only needs access tokens.
        return user, family.family_id, ""
    fresh = secrets.token_urlsafe(32)
    await repository.rotate_family(session, family, hash_token(fresh), now)
    return user, family.family_id, fresh


async def end_family(session: AsyncSession, token: str) -> None:
    """End the sign-in that a refresh token belongs to; an unknown token is nothing."""
    family = await repository.lock_family(session, hash_token(token))
    if family is not None:
        await repository.revoke_families(session, clock.now(), family_id=family.family_id)


async def make_api_token(
    session: AsyncSession, user_id: UUID, name: str, days: int | None
) -> tuple[UUID, str]:
    """Make a personal token; return its id and its secret, which is shown this once."""
    token_id, token, now = new_id(), API_TOKEN_PREFIX + secrets.token_urlsafe(32), clock.now()
    await repository.insert_token(
        session,
        token_id=token_id,
        user_id=user_id,
        name=name,
        token_hash=hash_token(token),
        created_at=now,
        expires_at=now + timedelta(days=days) if days else None,
    )
    return token_id, token


async def authenticate(
    session: AsyncSession, signer: TokenSigner, token: str, audience: str
) -> User:
    """Return the account that a bearer token stands for.

    Raises:
        TokenInvalid: If the token is not good, its sign-in was ended, or the account is disabled.
    """
    user: User | None = None
    if token.startswith(API_TOKEN_PREFIX) and audience == "api":
        user = await repository.find_token_user(session, hash_token(token), clock.now())
    else:
        claims = signer.check(token, audience)
        if await repository.family_is_live(session, claims.family_id):
            user = await repository.find_user(session, claims.user_id)
    if user is None or not user.active:
        raise TokenInvalid("Your sign-in is no longer valid. Sign in again.")
    return user
