"""Every query of single sign-on."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.single_sign_on.tables import identities, sign_in_attempts
from reqtrail.features.identity.single_sign_on.types import Attempt, LinkedIdentity


async def insert_attempt(session: AsyncSession, **values: Any) -> None:
    """Keep a sign-in that begins."""
    await session.execute(insert(sign_in_attempts).values(**values))


async def take_attempt(session: AsyncSession, state_hash: bytes, at: datetime) -> Attempt | None:
    """Return and forget the attempt of a state, unless it has expired: of two answers one gets it."""
    taken = await session.execute(
        delete(sign_in_attempts)
        .where(sign_in_attempts.c.state_hash == state_hash)
        .returning(
            sign_in_attempts.c.provider_id,
            sign_in_attempts.c.browser_hash,
            sign_in_attempts.c.return_path,
            sign_in_attempts.c.user_id,
            sign_in_attempts.c.expires_at,
        )
    )
    row = taken.one_or_none()
    if row is None or row.expires_at <= at:
        return None
    return Attempt(row.provider_id, row.browser_hash, row.return_path, row.user_id)


async def forget_attempts(session: AsyncSession, before: datetime) -> None:
    """Delete the attempts that expired before a moment."""
    await session.execute(delete(sign_in_attempts).where(sign_in_attempts.c.expires_at < before))


async def find_identity(session: AsyncSession, issuer: str, subject: str) -> LinkedIdentity | None:
    """Return an identity, if it is linked to an account."""
    found = await session.execute(
        select(identities).where(identities.c.issuer == issuer, identities.c.subject == subject)
    )
    row = found.one_or_none()
    return None if row is None else LinkedIdentity(**row._mapping)


async def list_identities(session: AsyncSession, user_id: UUID) -> list[LinkedIdentity]:
    """Return the identities of an account, oldest first."""
    rows = await session.execute(
        select(identities)
        .where(identities.c.user_id == user_id)
        .order_by(identities.c.linked_at, identities.c.identity_id)
    )
    return [LinkedIdentity(**row._mapping) for row in rows]


async def insert_identity(session: AsyncSession, **values: Any) -> None:
    """Link an identity to an account."""
    await session.execute(insert(identities).values(**values))


async def note_use(
    session: AsyncSession, identity_id: UUID, email: str | None, at: datetime
) -> None:
    """Keep when an identity signed in, and the address that its provider said."""
    await session.execute(
        update(identities)
        .where(identities.c.identity_id == identity_id)
        .values(used_at=at, email=email)
    )


async def delete_identity(session: AsyncSession, identity_id: UUID) -> None:
    """Take the link of an identity away."""
    await session.execute(delete(identities).where(identities.c.identity_id == identity_id))
