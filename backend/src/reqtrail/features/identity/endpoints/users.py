"""Accounts, for administrators."""

from __future__ import annotations

from uuid import UUID

from reqtrail.features.identity.deps import Administrator, AdministratorWriter, Hasher
from reqtrail.features.identity.schemas import UserCreate, UserPatch, UserRead
from reqtrail.features.identity.service import accounts, listing
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter()


@router.get("/users", operation_id="list_users")
async def list_users(user: Administrator, session: ReadSession) -> list[UserRead]:
    """List all accounts (administrators)."""
    return [UserRead.model_validate(item) for item in await listing.all_users(session)]


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
