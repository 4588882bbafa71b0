"""Sign-in, the session that it opens, and its end."""

from __future__ import annotations

from fastapi import Depends, Request, Response

from reqtrail.features.identity.deps import Hasher, device_of, same_origin, settings_of
from reqtrail.features.identity.endpoints.guarding import forgive, guarded
from reqtrail.features.identity.endpoints.opening import (
    REFRESH_COOKIE,
    carry_session,
    continue_sign_in,
    drop_cookies,
)
from reqtrail.features.identity.errors import PasswordSignInOff, SessionEnded
from reqtrail.features.identity.factors.schemas import SecondFactorNeeded
from reqtrail.features.identity.schemas import Session, SignIn
from reqtrail.features.identity.service import accounts, tokens
from reqtrail.platform.database.session import WriteSession, get_database, request_session
from reqtrail.platform.http import ApiRouter
from reqtrail.platform.permissions import public

router = ApiRouter()


@router.post(
    "/auth/sign-in",
    operation_id="sign_in",
    dependencies=[Depends(public)],
    response_model=Session,
    responses={202: {"model": SecondFactorNeeded, "description": "A second factor is needed."}},
)
async def sign_in(
    request: Request,
    response: Response,
    body: SignIn,
    hasher: Hasher,
) -> Session | Response:
    """Sign in with e-mail address and password; sets the refresh cookie and the files cookie.

    An account with a second factor gets no cookies yet, but a challenge that the second step answers.
    """
    same_origin(request)
    database = get_database(request)
    hasher.demand_room()
    async with guarded(request, body.email.strip().lower()):
        user = await accounts.check_credentials(database, hasher, body.email, body.password)
    if not accounts.password_signs_in(settings_of(request), user):
        raise PasswordSignInOff("Sign in through your organisation.")
    async with request_session(request) as session:
        return await continue_sign_in(request, response, session, user)


@router.post(
    "/auth/refresh",
    operation_id="refresh_session",
    dependencies=[Depends(public)],
    response_model=Session,
    responses={204: {"description": "There is no refresh cookie: nobody was signed in."}},
)
async def refresh_session(request: Request, response: Response) -> Session | Response:
    """Exchange the refresh cookie for the next one and a new access token; 204 when there is no cookie."""
    same_origin(request)
    if not request.cookies.get(REFRESH_COOKIE):
        return Response(status_code=204)
    # The transaction commits in either case: a token that was used before has ended its family.
    async with request_session(request) as session:
        found = await tokens.rotate(
            session,
            request.cookies.get(REFRESH_COOKIE, ""),
            settings_of(request).refresh_token_days,
            device_of(request),
        )
    if found is None:
        raise SessionEnded("Sign in again.")
    await forgive(request, found[0].email)
    return carry_session(request, response, *found)


@router.post(
    "/auth/sign-out", operation_id="sign_out", status_code=204, dependencies=[Depends(public)]
)
async def sign_out(request: Request, response: Response, session: WriteSession) -> None:
    """End this sign-in: its access tokens stop working too."""
    same_origin(request)
    await tokens.end_family(session, request.cookies.get(REFRESH_COOKIE, ""))
    drop_cookies(response)
