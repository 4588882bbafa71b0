"""Guessing codes: after a few wrong ones in a row an account waits, longer each time.

It is counted in PostgreSQL, so that it holds while Redis is away. Whoever guesses codes has the password already, so a
stranger cannot lock the owner of an account out by it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.factors import repository
from reqtrail.features.identity.factors.errors import CodesBlocked

FREE_FAILURES: Final = 5
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(hours=1)


def wait_after(failures: int) -> timedelta | None:
    """Return how long an account waits after so many wrong codes in a row; None while they are few."""
    if failures < FREE_FAILURES:
        return None
    doublings = min(failures - FREE_FAILURES, 20)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


async def enter(session: AsyncSession, user_id: UUID, now: datetime) -> int:
    """Begin to check a code; return how many wrong ones went before. Others of the account wait for the transaction.

    Raises:
        CodesBlocked: If there were too many.
    """
    failures, blocked_until = await repository.lock_guard(session, user_id)
    if blocked_until is not None and blocked_until > now:
        seconds = int((blocked_until - now).total_seconds()) + 1
        raise CodesBlocked(
            f"There were too many wrong codes. Try again in {seconds} seconds.", retry_after=seconds
        )
    return failures


async def leave(
    session: AsyncSession, user_id: UUID, failures: int, right: bool, now: datetime
) -> None:
    """Keep how the check of a code ended."""
    failures = 0 if right else failures + 1
    wait = wait_after(failures)
    await repository.update_guard(session, user_id, failures, now + wait if wait else None)
