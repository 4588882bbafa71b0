"""Others' second factors, for administrators."""

from __future__ import annotations

from uuid import UUID

from reqtrail.features.identity.deps import Administrator, AdministratorWriter
from reqtrail.features.identity.factors import managing
from reqtrail.features.identity.factors.schemas import UserFactors
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter()


@router.get("/users/{user_id}/factors", operation_id="get_user_factors")
async def get_user_factors(user_id: UUID, user: Administrator, session: ReadSession) -> UserFactors:
    """Return which second factors an account has (administrators)."""
    factors = await managing.factors_of(session, user_id)
    return UserFactors(
        totp=factors.totp_since is not None,
        passkeys=len(factors.passkeys),
        recovery_codes_left=factors.recovery_codes_left,
    )


@router.delete("/users/{user_id}/factors", operation_id="reset_user_factors", status_code=204)
async def reset_user_factors(
    user_id: UUID, user: AdministratorWriter, session: WriteSession
) -> None:
    """Remove every second factor of an account that lost them, and end its sign-ins (administrators)."""
    await managing.reset(session, user_id)
