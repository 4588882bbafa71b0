"""Accounts that stand for authors of an imported history. Nobody can sign in to one."""

from __future__ import annotations

from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity import repository
from reqtrail.features.identity.types import User
from reqtrail.kit import clock

MAX_NAME = 200
NOWHERE = "imported.invalid"
"""The domain of their addresses. The top-level domain is reserved (RFC 2606): no mail goes there."""


async def pseudonym(session: AsyncSession, scope: UUID, name: str) -> UUID:
    """Return the account that stands for an author called *name* in *scope*, a project; make it if it is new.

    What a history says of its authors is a claim, so the account is never that of a person who signs in: it is
    disabled and has no password.
    """
    user_id = uuid5(scope, f"author/{name}")
    shown = name.strip()[:MAX_NAME]
    user = User(user_id, f"{user_id}@{NOWHERE}", shown, False, False, clock.now())
    await repository.insert_if_new(session, user)
    return user_id
