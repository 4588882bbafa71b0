"""One's own account."""

from __future__ import annotations

from fastapi import Request

from reqtrail.features.identity.deps import (
    Authenticated,
    Hasher,
    SignedInOnce,
    SignedInWriter,
)
from reqtrail.features.identity.endpoints.guarding import guarded
from reqtrail.features.identity.schemas import MePatch, PasswordChange, UserRead
from reqtrail.features.identity.service import accounts
from reqtrail.platform.database.session import WriteSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter()


@router.get("/me", operation_id="get_me")
async def get_me(user: Authenticated) -> UserRead:
    """Return the account that asks."""
    return UserRead.model_validate(user)


@router.patch("/me", operation_id="update_me")
async def update_me(body: MePatch, user: SignedInWriter, session: WriteSession) -> UserRead:
    """Change one's own display name."""
    changed = await accounts.patch_user(session, user.user_id, display_name=body.display_name)
    return UserRead.model_validate(changed)


@router.post("/me/password", operation_id="change_password", status_code=204)
async def change_password(
    body: PasswordChange,
    user: SignedInOnce,
    session: WriteSession,
    hasher: Hasher,
    request: Request,
) -> None:
    """Change one's own password; every sign-in of the account ends."""
    async with guarded(request, f"proof:{user.user_id}"):
        await accounts.change_password(session, hasher, user, body.current, body.new)
