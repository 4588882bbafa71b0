"""Every query of signing keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.signing.tables import signing_keys
from reqtrail.features.identity.signing.types import StoredKey

_LOCK = 7301200
"""The advisory lock of changes of the key set."""


async def lock(session: AsyncSession) -> None:
    """Let one transaction at a time change the key set."""
    await session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


async def list_keys(session: AsyncSession, at: datetime) -> list[StoredKey]:
    """Return the keys that are good at *at*, the active one first."""
    rows = await session.execute(
        select(signing_keys)
        .where(or_(signing_keys.c.expires_at.is_(None), signing_keys.c.expires_at > at))
        .order_by(signing_keys.c.retired_at.desc().nulls_first())
    )
    return [StoredKey(**row._mapping) for row in rows]


async def insert_key(session: AsyncSession, **values: Any) -> None:
    """Add the active key."""
    await session.execute(insert(signing_keys).values(**values))


async def retire_active(session: AsyncSession, at: datetime, expires_at: datetime) -> None:
    """Let the active key sign no more, and destroy its private part."""
    await session.execute(
        update(signing_keys)
        .where(signing_keys.c.retired_at.is_(None))
        .values(retired_at=at, expires_at=expires_at, sealed_private_key=None)
    )


async def delete_retired(session: AsyncSession, expired_at: datetime | None) -> None:
    """Forget the retired keys that have expired at a moment, or all of them."""
    statement = delete(signing_keys).where(signing_keys.c.retired_at.is_not(None))
    if expired_at is not None:
        statement = statement.where(signing_keys.c.expires_at <= expired_at)
    await session.execute(statement)
