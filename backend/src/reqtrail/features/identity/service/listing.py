"""Lists of accounts and tokens."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity import repository
from reqtrail.features.identity.service.pseudonyms import NOWHERE
from reqtrail.features.identity.types import ApiToken, User
from reqtrail.kit import clock


async def list_users(
    session: AsyncSession, search: str = "", limit: int = 1000, after: str = ""
) -> list[User]:
    """Return the accounts of people by address, those that stand for imported authors left out.

    Args:
        search: A part of the address or the name; empty for all.
        after: The last address of the page before.
    """
    return await repository.list_users(
        session, search.strip(), limit, after.strip().lower(), besides=NOWHERE
    )


async def display_names(session: AsyncSession, ids: set[UUID]) -> dict[UUID, str]:
    """Return the display names of accounts by id."""
    return await repository.names_of(session, ids) if ids else {}


async def tokens_of(session: AsyncSession, user: User) -> list[ApiToken]:
    """Return the live API tokens of an account."""
    return await repository.list_tokens(session, user.user_id)


async def revoke_token(session: AsyncSession, user: User, token_id: UUID) -> bool:
    """End an API token of an account; return whether it had it."""
    return await repository.revoke_token(session, user.user_id, token_id, clock.now())
