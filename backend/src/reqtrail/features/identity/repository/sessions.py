"""Queries of sign-ins as their owners see them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.tables import refresh_families
from reqtrail.features.identity.types import SignInSession


def _live(user_id: UUID, at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        refresh_families.c.user_id == user_id,
        refresh_families.c.revoked_at.is_(None),
        refresh_families.c.expires_at > at,
    )


async def list_live(
    session: AsyncSession, user_id: UUID, current: UUID | None, at: datetime
) -> list[SignInSession]:
    """Return the live sign-ins of an account, the one seen last first."""
    rows = await session.execute(
        select(
            refresh_families.c.family_id,
            refresh_families.c.created_at,
            refresh_families.c.rotated_at,
            refresh_families.c.address,
            refresh_families.c.user_agent,
        )
        .where(*_live(user_id, at))
        .order_by(refresh_families.c.rotated_at.desc())
    )
    return [SignInSession(**row._mapping, current=row.family_id == current) for row in rows]


async def revoke_live(
    session: AsyncSession,
    user_id: UUID,
    at: datetime,
    *,
    only: UUID | None = None,
    besides: UUID | None = None,
) -> int:
    """End live sign-ins of an account: *only* one of them, or all *besides* one; return how many."""
    conditions = list(_live(user_id, at))
    if only is not None:
        conditions.append(refresh_families.c.family_id == only)
    if besides is not None:
        conditions.append(refresh_families.c.family_id != besides)
    ended = await session.scalars(
        update(refresh_families)
        .where(*conditions)
        .values(revoked_at=at)
        .returning(refresh_families.c.family_id)
    )
    return len(ended.all())
