"""Challenges: short-lived, single-use proof of the step before."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.factors import repository
from reqtrail.features.identity.factors.errors import ChallengeEnded
from reqtrail.features.identity.factors.types import Challenge, Purpose
from reqtrail.kit import clock
from reqtrail.kit.ids import new_id

LIFETIME: Final = timedelta(minutes=10)
MOST_ATTEMPTS: Final = 5
NONCE_BYTES: Final = 32


async def make(session: AsyncSession, purpose: Purpose, user_id: UUID | None) -> tuple[str, bytes]:
    """Return the token of a new challenge and its nonce."""
    token, nonce = secrets.token_urlsafe(32), secrets.token_bytes(NONCE_BYTES)
    await repository.insert_challenge(
        session,
        challenge_id=new_id(),
        token_hash=_hash(token),
        purpose=purpose,
        user_id=user_id,
        nonce=nonce,
        expires_at=clock.now() + LIFETIME,
    )
    return token, nonce


async def find(session: AsyncSession, token: str, *purposes: Purpose) -> Challenge:
    """Return a challenge that can still be answered; nobody else answers it meanwhile.

    Raises:
        ChallengeEnded: If there is none, or it had too many wrong answers.
    """
    found = await repository.lock_challenge(session, _hash(token), purposes, clock.now())
    if found is None or found.attempts >= MOST_ATTEMPTS:
        raise ChallengeEnded("Sign in again: this step has expired or was used.")
    return found


async def take(session: AsyncSession, token: str, purpose: Purpose) -> Challenge:
    """Return a challenge and use it up, whatever its answer is worth.

    Raises:
        ChallengeEnded: If there is none.
    """
    found = await find(session, token, purpose)
    await repository.delete_challenge(session, found.challenge_id)
    return found


async def renew_nonce(session: AsyncSession, challenge: Challenge) -> bytes:
    """Give a challenge a new nonce: what an authenticator signed for an older one is good no more."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    await repository.update_challenge(session, challenge.challenge_id, nonce=nonce)
    return nonce


async def answered(session: AsyncSession, challenge: Challenge, right: bool) -> None:
    """Use a challenge up after a right answer; count a wrong one."""
    if right:
        await repository.delete_challenge(session, challenge.challenge_id)
    else:
        attempts = challenge.attempts + 1
        await repository.update_challenge(session, challenge.challenge_id, attempts=attempts)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
