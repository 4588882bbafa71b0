"""Queries of the links that are mailed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.tables import account_links
from reqtrail.features.identity.types import Link, Purpose

_COLUMNS = [
    column
    for column in account_links.c
    if column.name not in {"token_hash", "used_at", "revoked_at"}
]
_OPEN = (account_links.c.used_at.is_(None), account_links.c.revoked_at.is_(None))


def _link(values: Any) -> Link:
    return Link(**{**values, "purpose": Purpose(values["purpose"])})


async def insert_link(session: AsyncSession, **values: Any) -> Link:
    """Make a link."""
    made = await session.execute(insert(account_links).values(**values).returning(*_COLUMNS))
    return _link(made.one()._mapping)


async def find_open(
    session: AsyncSession, purpose: Purpose, token_hash: bytes, at: datetime, *, lock: bool
) -> Link | None:
    """Return the link of a token that is still good at *at*; with *lock* the second of two uses sees the first."""
    statement = select(*_COLUMNS).where(
        account_links.c.token_hash == token_hash,
        account_links.c.purpose == purpose,
        account_links.c.expires_at > at,
        *_OPEN,
    )
    found = await session.execute(statement.with_for_update() if lock else statement)
    row = found.one_or_none()
    return None if row is None else _link(row._mapping)


async def use_link(session: AsyncSession, link_id: UUID, at: datetime) -> None:
    """Note that a link was followed to its end."""
    await session.execute(
        update(account_links).where(account_links.c.link_id == link_id).values(used_at=at)
    )


async def revoke_of_user(
    session: AsyncSession, user_id: UUID, at: datetime, purpose: Purpose | None = None
) -> None:
    """End the open links that act on an account, all or those of one purpose."""
    conditions = [account_links.c.user_id == user_id, *_OPEN]
    if purpose is not None:
        conditions.append(account_links.c.purpose == purpose)
    await session.execute(update(account_links).where(*conditions).values(revoked_at=at))


async def revoke_sent_to(
    session: AsyncSession, purpose: Purpose, email: str, scope: UUID | None, at: datetime
) -> None:
    """End the open links of a purpose that were sent to an address, for the same scope."""
    await session.execute(
        update(account_links)
        .where(
            account_links.c.purpose == purpose,
            account_links.c.email == email,
            account_links.c.scope.is_not_distinct_from(scope),
            *_OPEN,
        )
        .values(revoked_at=at)
    )


async def revoke_one(
    session: AsyncSession, link_id: UUID, purpose: Purpose, scope: UUID | None, at: datetime
) -> Link | None:
    """End an open link of a purpose and a scope; return it."""
    ended = await session.execute(
        update(account_links)
        .where(
            account_links.c.link_id == link_id,
            account_links.c.purpose == purpose,
            account_links.c.scope.is_not_distinct_from(scope),
            *_OPEN,
        )
        .values(revoked_at=at)
        .returning(*_COLUMNS)
    )
    row = ended.one_or_none()
    return None if row is None else _link(row._mapping)


async def count_sent(session: AsyncSession, purpose: Purpose, email: str, since: datetime) -> int:
    """Return how many links of a purpose were sent to an address since a moment."""
    counted = await session.scalar(
        select(func.count())
        .select_from(account_links)
        .where(
            account_links.c.purpose == purpose,
            account_links.c.email == email,
            account_links.c.created_at > since,
        )
    )
    return counted or 0


async def list_open(
    session: AsyncSession, purpose: Purpose, scope: UUID | None, at: datetime
) -> list[Link]:
    """Return the links of a purpose and a scope that are still good, newest first."""
    rows = await session.execute(
        select(*_COLUMNS)
        .where(
            account_links.c.purpose == purpose,
            account_links.c.scope.is_not_distinct_from(scope),
            account_links.c.expires_at > at,
            *_OPEN,
        )
        .order_by(account_links.c.created_at.desc())
    )
    return [_link(row._mapping) for row in rows]
