"""Links that are mailed: good once, for one purpose, for a while. Only a hash of the token is stored."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.errors import LinkInvalid
from reqtrail.features.identity.repository import links as repository
from reqtrail.features.identity.service.tokens import hash_token
from reqtrail.features.identity.types import Link, Purpose
from reqtrail.kit import clock
from reqtrail.kit.ids import new_id

LIFETIMES: Final = {
    Purpose.INVITATION: timedelta(days=7),
    Purpose.REGISTRATION: timedelta(hours=24),
    Purpose.EMAIL_VERIFICATION: timedelta(hours=24),
    Purpose.EMAIL_CHANGE: timedelta(hours=2),
    Purpose.PASSWORD_RESET: timedelta(minutes=30),
}


def _hash(purpose: Purpose, token: str) -> bytes:
    return hash_token(f"{purpose}:{token}")


async def issue(
    session: AsyncSession,
    purpose: Purpose,
    email: str,
    *,
    user_id: UUID | None = None,
    scope: UUID | None = None,
    details: dict[str, Any] | None = None,
    created_by: UUID | None = None,
) -> tuple[Link, str]:
    """Make a link to be sent to *email*; return it and its token, which is nowhere else."""
    token, now = secrets.token_urlsafe(32), clock.now()
    link = await repository.insert_link(
        session,
        link_id=new_id(),
        purpose=purpose.value,
        token_hash=_hash(purpose, token),
        email=email,
        user_id=user_id,
        scope=scope,
        details=details or {},
        created_by=created_by,
        created_at=now,
        expires_at=now + LIFETIMES[purpose],
    )
    return link, token


async def look(session: AsyncSession, purpose: Purpose, token: str, *, lock: bool = True) -> Link:
    """Return the link of *token* without using it up; with *lock* nobody else does before this transaction ends.

    Raises:
        LinkInvalid: If there is none, or it was used, replaced, or has expired: not told apart.
    """
    token_hash = _hash(purpose, token)
    link = await repository.find_open(session, purpose, token_hash, clock.now(), lock=lock)
    if link is None:
        raise LinkInvalid("It was used already, has expired or was replaced. Ask for a new one.")
    return link


async def redeem(session: AsyncSession, purpose: Purpose, token: str) -> Link:
    """Return the link of *token* and use it up: it is good for nothing once the transaction commits.

    Raises:
        LinkInvalid: As :func:`look`.
    """
    link = await look(session, purpose, token)
    await repository.use_link(session, link.link_id, clock.now())
    return link
