"""Accounts, for administrators."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query

from reqtrail.features.identity.deps import (
    Administrator,
    AdministratorWriter,
    AppSettings,
    Hasher,
)
from reqtrail.features.identity.schemas import UserCreate, UserPatch, UserRead
from reqtrail.features.identity.service import accounts, listing, resetting, sessions
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter()


@router.get("/users", operation_id="list_users")
async def list_users(
    user: Administrator,
    session: ReadSession,
    search: Annotated[str, Query(max_length=200, description="A part of address or name.")] = "",
    after: Annotated[str, Query(max_length=254, description="The last address before.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> list[UserRead]:
    """List accounts by address (administrators), those that stand for imported authors left out."""
    found = await listing.list_users(session, search, limit, after)
    return [UserRead.model_validate(item) for item in found]


@router.post("/users", operation_id="create_user", status_code=201)
async def create_user(
    body: UserCreate, user: AdministratorWriter, session: WriteSession, hasher: Hasher
) -> UserRead:
    """Make an account (administrators)."""
    made = await accounts.create_user(session, hasher, **body.model_dump())
    return UserRead.model_validate(made)


@router.patch("/users/{user_id}", operation_id="update_user")
async def update_user(
    user_id: UUID, body: UserPatch, user: AdministratorWriter, session: WriteSession
) -> UserRead:
    """Change an account (administrators); disabling it ends its sign-ins."""
    changed = await accounts.patch_user(session, user_id, **body.model_dump())
    return UserRead.model_validate(changed)


@router.post("/users/{user_id}/password-reset", operation_id="send_password_reset", status_code=202)
async def send_password_reset(
    user_id: UUID, user: AdministratorWriter, settings: AppSettings, session: WriteSession
) -> None:
    """Mail an account a link for a new password (administrators)."""
    await resetting.send_reset(
        session, settings.public_address, await accounts.find_account(session, user_id)
    )


@router.delete("/users/{user_id}/sessions", operation_id="end_user_sessions", status_code=204)
async def end_user_sessions(
    user_id: UUID, user: AdministratorWriter, session: WriteSession
) -> None:
    """End every sign-in of an account (administrators)."""
    await accounts.find_account(session, user_id)
    await sessions.revoke_sessions(session, user_id)
