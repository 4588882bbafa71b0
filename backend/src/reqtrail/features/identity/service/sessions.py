"""The sign-ins of an account: listed, ended."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.errors import SessionNotFound
from reqtrail.features.identity.repository import sessions as repository
from reqtrail.features.identity.types import SignInSession
from reqtrail.kit import clock
from reqtrail.platform.auditing import describe


async def list_sessions(
    session: AsyncSession, user_id: UUID, current: UUID | None
) -> list[SignInSession]:
    """Return the live sign-ins of an account, the one seen last first; *current* is the one that asks."""
    return await repository.list_live(session, user_id, current, clock.now())


async def revoke_session(session: AsyncSession, user_id: UUID, family_id: UUID) -> None:
    """End a sign-in at once: its access tokens are refused from the next request on.

    Raises:
        SessionNotFound: If the account has no such live one.
    """
    if not await repository.revoke_live(session, user_id, clock.now(), only=family_id):
        raise SessionNotFound("It ended already, or is another account's.")
    describe(session, action="session:revoke", subject=("session", family_id))


async def revoke_sessions(
    session: AsyncSession, user_id: UUID, *, besides: UUID | None = None
) -> int:
    """End every sign-in of an account, all but *besides*; return how many."""
    count = await repository.revoke_live(session, user_id, clock.now(), besides=besides)
    subject = ("user", user_id)
    describe(session, action="session:revoke-all", subject=subject, details={"ended": count})
    return count
