"""Every query of identity."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.tables import api_tokens, refresh_families, users
from reqtrail.features.identity.types import ApiToken, RefreshFamily, User

_USER_COLUMNS = [column for column in users.c if column.name != "password_hash"]


def _user(row: Row[Any] | None) -> User | None:
    return None if row is None else User(**row._mapping)


async def insert_user(session: AsyncSession, user: User, password_hash: str) -> None:
    """Make an account."""
    await session.execute(insert(users).values(**vars(user), password_hash=password_hash))


async def find_user(session: AsyncSession, user_id: UUID) -> User | None:
    """Return the account with an id."""
    statement = select(*_USER_COLUMNS).where(users.c.user_id == user_id)
    return _user((await session.execute(statement)).one_or_none())


async def find_by_email(session: AsyncSession, email: str) -> tuple[User, str] | None:
    """Return the account with an address (lower case) and its password hash."""
    row = (await session.execute(select(users).where(users.c.email == email))).one_or_none()
    if row is None:
        return None
    values = dict(row._mapping)
    stored = values.pop("password_hash")
    return User(**values), stored


async def list_users(session: AsyncSession) -> list[User]:
    """Return every account by address."""
    rows = await session.execute(select(*_USER_COLUMNS).order_by(users.c.email))
    return [User(**row._mapping) for row in rows]


async def names_of(session: AsyncSession, ids: set[UUID]) -> dict[UUID, str]:
    """Return the display names of accounts."""
    rows = await session.execute(
        select(users.c.user_id, users.c.display_name).where(users.c.user_id.in_(ids))
    )
    return {row.user_id: row.display_name for row in rows}


async def update_user(session: AsyncSession, user_id: UUID, **values: Any) -> None:
    """Change columns of an account."""
    await session.execute(update(users).where(users.c.user_id == user_id).values(**values))


async def insert_family(session: AsyncSession, **values: Any) -> None:
    """Begin a family of refresh tokens."""
    await session.execute(insert(refresh_families).values(**values))


async def lock_family(session: AsyncSession, token_hash: bytes) -> RefreshFamily | None:
    """Return, locked, the family whose newest or previous token has this hash."""
    columns = [column for column in refresh_families.c if column.name not in {"created_at"}]
    row = (
        await session.execute(
            select(*columns)
            .where(
                or_(
                    refresh_families.c.token_hash == token_hash,
                    refresh_families.c.previous_hash == token_hash,
                )
            )
            .with_for_update()
        )
    ).one_or_none()
    return None if row is None else RefreshFamily(**row._mapping)


async def rotate_family(
    session: AsyncSession, family: RefreshFamily, token_hash: bytes, at: datetime
) -> None:
    """Make *token_hash* the family's newest token."""
    await session.execute(
        update(refresh_families)
        .where(refresh_families.c.family_id == family.family_id)
        .values(token_hash=token_hash, previous_hash=family.token_hash, rotated_at=at)
    )


async def revoke_families(
    session: AsyncSession,
    at: datetime,
    *,
    family_id: UUID | None = None,
    user_id: UUID | None = None,
) -> None:
    """End one family, or all of an account."""
    condition = (
        refresh_families.c.family_id == family_id
        if family_id is not None
        else refresh_families.c.user_id == user_id
    )
    await session.execute(
        update(refresh_families)
        .where(condition, refresh_families.c.revoked_at.is_(None))
        .values(revoked_at=at)
    )


async def family_is_live(session: AsyncSession, family_id: UUID) -> bool:
    """Return whether a sign-in has not been ended."""
    revoked = await session.execute(
        select(refresh_families.c.revoked_at).where(refresh_families.c.family_id == family_id)
    )
    row = revoked.one_or_none()
    return row is not None and row.revoked_at is None


async def insert_token(session: AsyncSession, **values: Any) -> None:
    """Make an API token."""
    await session.execute(insert(api_tokens).values(**values))


async def find_token_user(session: AsyncSession, token_hash: bytes, at: datetime) -> User | None:
    """Return the account of a live API token."""
    statement = (
        select(*_USER_COLUMNS)
        .join(api_tokens, api_tokens.c.user_id == users.c.user_id)
        .where(
            api_tokens.c.token_hash == token_hash,
            api_tokens.c.revoked_at.is_(None),
            or_(api_tokens.c.expires_at.is_(None), api_tokens.c.expires_at > at),
        )
    )
    return _user((await session.execute(statement)).one_or_none())


async def list_tokens(session: AsyncSession, user_id: UUID) -> list[ApiToken]:
    """Return the live API tokens of an account, newest first."""
    rows = await session.execute(
        select(
            api_tokens.c.token_id,
            api_tokens.c.name,
            api_tokens.c.created_at,
            api_tokens.c.expires_at,
        )
        .where(api_tokens.c.user_id == user_id, api_tokens.c.revoked_at.is_(None))
        .order_by(api_tokens.c.created_at.desc())
    )
    return [ApiToken(**row._mapping) for row in rows]


async def revoke_token(session: AsyncSession, user_id: UUID, token_id: UUID, at: datetime) -> bool:
    """End an API token; return whether the account had it."""
    ended = await session.scalars(
        update(api_tokens)
        .where(
            api_tokens.c.user_id == user_id,
            api_tokens.c.token_id == token_id,
            api_tokens.c.revoked_at.is_(None),
        )
        .values(revoked_at=at)
        .returning(api_tokens.c.token_id)
    )
    return ended.one_or_none() is not None
