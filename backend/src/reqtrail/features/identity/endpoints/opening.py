"""How every way of signing in ends: a family of refresh tokens, its cookies, and the session as JSON.

A way that proves a password alone ends with :func:`continue_sign_in`, which asks for the second factor first; one that
proves more (a passkey, a code, another provider's sign-in) with :func:`open_session`.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.deps import (
    FILES_COOKIE,
    device_of,
    get_signer,
    settings_of,
)
from reqtrail.features.identity.factors import proving
from reqtrail.features.identity.factors.challenges import LIFETIME
from reqtrail.features.identity.factors.schemas import SecondFactorNeeded
from reqtrail.features.identity.schemas import Session, UserRead
from reqtrail.features.identity.service import tokens
from reqtrail.features.identity.types import User
from reqtrail.platform.auditing import describe

REFRESH_COOKIE: Final = "reqtrail_refresh"
REFRESH_PATH: Final = "/api/v1/auth"
FILES_PATH: Final = "/api/v1/projects"


async def open_session(
    request: Request, response: Response, session: AsyncSession, user: User
) -> Session:
    """Begin a sign-in of *user*, who has proven everything that is asked for; return what the route answers.

    The family is written in the transaction of *session*; the cookies go with *response*.
    """
    family_id, refresh_token = await tokens.begin_family(
        session, user.user_id, settings_of(request).refresh_token_days, device_of(request)
    )
    return carry_session(request, response, user, family_id, refresh_token)


async def continue_sign_in(
    request: Request, response: Response, session: AsyncSession, user: User
) -> Session | Response:
    """Open a session for *user*, whose password was right, or ask for the second factor: 202 with a challenge."""
    settings = settings_of(request)
    asked = await proving.ask(session, user, settings.second_factor_required)
    if asked is None:
        return await open_session(request, response, session, user)
    token, factors = asked
    describe(session, action="session:ask", subject=("user", user.user_id))
    needed = SecondFactorNeeded(
        challenge=token,
        methods=factors.methods,
        enrol=not factors.any,
        expires_in=int(LIFETIME.total_seconds()),
    )
    body = needed.model_dump(mode="json")
    return JSONResponse(body, status_code=202, headers={"Cache-Control": "no-store"})


def carry_session(
    request: Request, response: Response, user: User, family_id: UUID, refresh_token: str
) -> Session:
    """Put the newest refresh token of a sign-in and its cookie for files on *response*; return the session."""
    signer = get_signer(request)
    seconds = int(signer.lifetime.total_seconds())
    days = settings_of(request).refresh_token_days
    _set_cookie(request, response, REFRESH_COOKIE, refresh_token, REFRESH_PATH, days * 86400)
    files_token = signer.sign(user.user_id, family_id, "files")
    _set_cookie(request, response, FILES_COOKIE, files_token, FILES_PATH, seconds)
    response.headers["Cache-Control"] = "no-store"
    return Session(
        access_token=signer.sign(user.user_id, family_id, "api"),
        expires_in=seconds,
        user=UserRead.model_validate(user),
    )


def drop_cookies(response: Response) -> None:
    """Make the browser forget its sign-in."""
    response.delete_cookie(REFRESH_COOKIE, path=REFRESH_PATH)
    response.delete_cookie(FILES_COOKIE, path=FILES_PATH)


def _set_cookie(
    request: Request, response: Response, name: str, value: str, path: str, seconds: int
) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=path,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
