"""Every query of identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Row,
    Select,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_if_free
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.repository.actors import (
    USER_COLUMNS,
    active_user,
    credential_parameters,
    read_actor,
)
from reqtrail.features.identity.tables import (
    account_links,
    api_tokens,
    idempotency_keys,
    refresh_families,
    users,
)
from reqtrail.features.identity.types import (
    Actor,
    ApiToken,
    Credential,
    Device,
    RefreshFamily,
    User,
)


def _user(row: Row[Any] | None) -> User | None:
    return None if row is None else User(**row._mapping)


@cache
def _select_active_user(by_token: bool) -> Select[Any]:
    return select(active_user(by_token))


async def find_active_user(session: AsyncSession, credential: Credential) -> Actor | None:
    """Return the active account that *credential* proves, if any."""
    statement = _select_active_user(credential.token_hash is not None)
    found = await session.execute(statement, credential_parameters(credential))
    row = found.one_or_none()
    return None if row is None else read_actor(row)


async def insert_user(session: AsyncSession, user: User, password_hash: str) -> None:
    """Make an account."""
    await session.execute(insert(users).values(**vars(user), password_hash=password_hash))


async def insert_if_new(session: AsyncSession, user: User) -> None:
    """Make an account without a password, unless there is one with its id."""
    await session.execute(
        insert_if_free(users)
        .values(**vars(user), password_hash="")
        .on_conflict_do_nothing(index_elements=[users.c.user_id])
    )


async def find_user(session: AsyncSession, user_id: UUID) -> User | None:
    """Return the account with an id."""
    statement = select(*USER_COLUMNS).where(users.c.user_id == user_id)
    return _user((await session.execute(statement)).one_or_none())


async def lock_user(session: AsyncSession, user_id: UUID) -> None:
    """Have changes of an account's ways in take turns."""
    await session.execute(
        select(users.c.user_id).where(users.c.user_id == user_id).with_for_update()
    )


async def find_by_email(session: AsyncSession, email: str) -> tuple[User, str] | None:
    """Return the account with an address (lower case) and its password hash."""
    row = (await session.execute(select(users).where(users.c.email == email))).one_or_none()
    if row is None:
        return None
    values = dict(row._mapping)
    stored = values.pop("password_hash")
    return User(**values), stored


async def list_users(
    session: AsyncSession, search: str, limit: int, after: str, besides: str
) -> list[User]:
    """Return accounts by address: those with *search* in address or name, from the one that follows *after* on.

    Args:
        besides: Accounts with addresses of this domain are left out.
    """
    statement = (
        select(*USER_COLUMNS)
        .where(users.c.email > after, ~users.c.email.endswith(f"@{besides}", autoescape=True))
        .order_by(users.c.email)
        .limit(limit)
    )
    if search:
        statement = statement.where(
            or_(
                users.c.email.icontains(search, autoescape=True),
                users.c.display_name.icontains(search, autoescape=True),
            )
        )
    rows = await session.execute(statement)
    return [User(**row._mapping) for row in rows]


async def any_user(session: AsyncSession) -> bool:
    """Return whether there is any account."""
    return await session.scalar(select(users.c.user_id).limit(1)) is not None


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


async def lock_family(session: AsyncSession, family_id: UUID) -> RefreshFamily | None:
    """Return a family, locked: of two uses of one refresh token the second sees the first."""
    columns = [refresh_families.c[field.name] for field in fields(RefreshFamily)]
    row = (
        await session.execute(
            select(*columns).where(refresh_families.c.family_id == family_id).with_for_update()
        )
    ).one_or_none()
    return None if row is None else RefreshFamily(**row._mapping)


async def rotate_family(
    session: AsyncSession,
    family: RefreshFamily,
    token_hash: bytes,
    at: datetime,
    expires_at: datetime,
    device: Device,
) -> None:
    """Make *token_hash* the family's newest token, seen on *device*."""
    await session.execute(
        update(refresh_families)
        .where(refresh_families.c.family_id == family.family_id)
        .values(
            token_hash=token_hash,
            previous_hash=family.token_hash,
            rotated_at=at,
            expires_at=expires_at,
            address=device.address,
            user_agent=device.user_agent,
        )
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


async def revoke_tokens(session: AsyncSession, user_id: UUID, at: datetime) -> None:
    """End every API token of an account."""
    await session.execute(
        update(api_tokens)
        .where(api_tokens.c.user_id == user_id, api_tokens.c.revoked_at.is_(None))
        .values(revoked_at=at)
    )


async def lock_administrators(session: AsyncSession) -> set[UUID]:
    """Return the active administrators, locked: two of them cannot leave at the same moment."""
    rows = await session.scalars(
        select(users.c.user_id)
        .where(users.c.active, users.c.is_administrator)
        .order_by(users.c.user_id)
        .with_for_update()
    )
    return set(rows)


async def insert_token(session: AsyncSession, **values: Any) -> None:
    """Make an API token."""
    await session.execute(insert(api_tokens).values(**values))


async def list_tokens(session: AsyncSession, user_id: UUID) -> list[ApiToken]:
    """Return the live API tokens of an account, newest first."""
    rows = await session.execute(
        select(
            api_tokens.c.token_id,
            api_tokens.c.name,
            api_tokens.c.hint,
            api_tokens.c.permissions,
            api_tokens.c.project_ids,
            api_tokens.c.created_at,
            api_tokens.c.expires_at,
            api_tokens.c.last_used_at,
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


async def write_token_uses(
    session: AsyncSession, seen: Mapping[UUID, datetime], precision: timedelta
) -> None:
    """Write when tokens were last used, where what is written is older than that by *precision*."""
    statement = (
        update(api_tokens)
        .where(
            api_tokens.c.token_id == bindparam("used_token"),
            or_(
                api_tokens.c.last_used_at.is_(None),
                api_tokens.c.last_used_at < bindparam("worth_it", type_=DateTime(timezone=True)),
            ),
        )
        .values(last_used_at=bindparam("used_at"))
    )
    connection = await session.connection()
    await connection.execute(
        statement,
        [
            {"used_token": token_id, "used_at": at, "worth_it": at - precision}
            for token_id, at in sorted(
                seen.items()
            )  # in one order, so that two processes wait and do not block
        ],
    )


async def forget_expired(session: AsyncSession, answers_before: datetime, at: datetime) -> None:
    """Delete the idempotent answers given before *answers_before* and what expired before *at*: sign-ins, links."""
    await session.execute(
        delete(idempotency_keys).where(idempotency_keys.c.created_at < answers_before)
    )
    await session.execute(delete(refresh_families).where(refresh_families.c.expires_at < at))
    await session.execute(delete(account_links).where(account_links.c.expires_at < at))
