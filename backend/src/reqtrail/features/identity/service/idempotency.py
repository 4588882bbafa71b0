"""Writes that carry an ``Idempotency-Key`` happen once, however often they are sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity import repository
from reqtrail.features.identity.errors import IdempotencyMismatch
from reqtrail.features.identity.repository import idempotency as answers
from reqtrail.kit import clock
from reqtrail.platform.idempotency import StoredAnswer

KEPT: Final = timedelta(days=7)
"""How long a write can be repeated and is answered the same."""


async def begin(
    session: AsyncSession, user_id: UUID, key: str, request_hash: bytes
) -> StoredAnswer | None:
    """Take *key* for the transaction of *session*, or return the answer that it stands for.

    Raises:
        IdempotencyMismatch: If the key was used for another request.
    """
    if not 1 <= len(key) <= 200:
        raise IdempotencyMismatch("An Idempotency-Key has 1 to 200 characters.")
    if await answers.reserve_idempotency_key(session, user_id, key, request_hash, clock.now()):
        return None
    first_hash, answer = await answers.get_idempotent_answer(session, user_id, key)
    if first_hash != request_hash:
        raise IdempotencyMismatch("Use a new Idempotency-Key for a different request.")
    return answer


async def finish(session: AsyncSession, user_id: UUID, key: str, answer: StoredAnswer) -> None:
    """Keep *answer* in the transaction of the write."""
    await answers.store_idempotent_answer(session, user_id, key, answer)


async def forget_expired(session: AsyncSession) -> None:
    """Forget answers that are older than KEPT, and sign-ins that have expired."""
    now = clock.now()
    await repository.forget_expired(session, now - KEPT, now)
