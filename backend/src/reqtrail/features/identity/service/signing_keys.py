"""Replace the key that signs access tokens: on demand, or when it has become old. Nobody is signed out."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.signing import keeping
from reqtrail.kit import clock
from reqtrail.platform.auditing import describe, leave_no_event


async def rotate_signing_key(session: AsyncSession, *, revoke: bool = False) -> str:
    """Make a new signing key and return its id; the former one goes on checking tokens until they have expired.

    Args:
        revoke: Refuse at once what the former keys signed, as after a leak. Refresh tokens are not signed, so browsers
            get themselves new access tokens and nobody has to sign in again.
    """
    kid = await keeping.rotate(session, revoke=revoke)
    subject = ("signing-key", kid)
    describe(session, action="signing-key:rotate", subject=subject, details={"revoked": revoke})
    return kid


async def signing_key_age(session: AsyncSession) -> timedelta | None:
    """Return the age of the key that signs, which can be read; None if there is none yet.

    Raises:
        SecretUnreadable: If it was changed, or sealed for another row.
        KeysUnusable: If the master key is not there.
    """
    keys = await keeping.current_keys(session)
    if not keys or keys[0].retired_at is not None:
        return None
    await keeping.private_key(session, keys[0])
    return clock.now() - keys[0].created_at


async def rotate_old_signing_key(session: AsyncSession, days: int) -> str | None:
    """Make a new signing key if the active one is *days* old; return its id, or None."""
    kid = await keeping.rotate_if_old(session, timedelta(days=days))
    if kid is None:
        leave_no_event(session)
        return None
    describe(session, action="signing-key:rotate", subject=("signing-key", kid))
    return kid
