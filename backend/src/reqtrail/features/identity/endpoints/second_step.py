"""The second step of a sign-in, the enrolment that may stand in its place, and sign-in by passkey alone."""

from __future__ import annotations

from fastapi import Depends, Request, Response

from reqtrail.features.identity.deps import Party, same_origin
from reqtrail.features.identity.endpoints.guarding import limit_steps
from reqtrail.features.identity.endpoints.opening import open_session
from reqtrail.features.identity.factors import challenges, proving, totp
from reqtrail.features.identity.factors.errors import PasskeyRefused, WrongCode
from reqtrail.features.identity.factors.schemas import (
    ChallengeCode,
    ChallengeOnly,
    EnrolledSession,
    PasskeyAnswer,
    PasskeyAsk,
    PasskeyOptions,
    SecondFactorAnswer,
    TotpEnrolment,
)
from reqtrail.features.identity.factors.types import Method
from reqtrail.features.identity.schemas import Session
from reqtrail.platform.auditing import describe
from reqtrail.platform.database.session import WriteSession, request_session
from reqtrail.platform.http import ApiRouter
from reqtrail.platform.permissions import public

router = ApiRouter()

WRONG_CODE = "The code is wrong, was used before, or has expired."


async def admitted(request: Request) -> None:
    """Let in the application's own pages only, and not too often from one network."""
    same_origin(request)
    await limit_steps(request)


# A wrong answer is counted, so its transaction commits before the refusal is raised.


@router.post(
    "/auth/second-factor",
    operation_id="answer_second_factor",
    dependencies=[Depends(public), Depends(admitted)],
)
async def answer_second_factor(
    request: Request, response: Response, body: SecondFactorAnswer
) -> Session:
    """Answer the challenge of a sign-in with a code of the authenticator or a recovery code."""
    async with request_session(request) as session:
        user = await proving.answer(session, body.challenge, Method(body.method), body.code)
        if user is not None:
            return await open_session(request, response, session, user)
    raise WrongCode(WRONG_CODE)


@router.post(
    "/auth/passkey/options",
    operation_id="ask_passkey",
    dependencies=[Depends(public), Depends(admitted)],
)
async def ask_passkey(body: PasskeyAsk, party: Party, session: WriteSession) -> PasskeyOptions:
    """Return what an authenticator signs: for a sign-in without a password, or for the second step of one."""
    token, options = await proving.ask_passkey(session, party, body.challenge)
    describe(session, action="session:ask")
    return PasskeyOptions(challenge=token, options=options)


@router.post(
    "/auth/passkey",
    operation_id="answer_passkey",
    dependencies=[Depends(public), Depends(admitted)],
)
async def answer_passkey(
    request: Request, response: Response, body: PasskeyAnswer, party: Party
) -> Session:
    """Sign in with a passkey, which proves possession and the person at once."""
    async with request_session(request) as session:
        credential = body.credential.as_json()
        user = await proving.answer_passkey(session, party, body.challenge, credential)
        if user is not None:
            return await open_session(request, response, session, user)
    raise PasskeyRefused("The passkey was not accepted. Try again, or use another way.")


@router.post(
    "/auth/enrol/totp",
    operation_id="enrol_totp_at_sign_in",
    dependencies=[Depends(public), Depends(admitted)],
)
async def enrol_totp_at_sign_in(
    response: Response, body: ChallengeOnly, session: WriteSession
) -> TotpEnrolment:
    """Begin with an authenticator, where the instance requires one before it signs somebody in."""
    response.headers["Cache-Control"] = "no-store"
    user, _ = await proving.enrolling(session, body.challenge)
    proving.describe_own(session, user, "authenticator:begin")
    return TotpEnrolment.model_validate(await totp.begin(session, user))


@router.post(
    "/auth/enrol/totp/confirm",
    operation_id="confirm_totp_at_sign_in",
    dependencies=[Depends(public), Depends(admitted)],
)
async def confirm_totp_at_sign_in(
    request: Request, response: Response, body: ChallengeCode
) -> EnrolledSession:
    """Confirm the new authenticator by a code; this signs in and gives recovery codes, shown this once."""
    async with request_session(request) as session:
        user, challenge = await proving.enrolling(session, body.challenge)
        right = await proving.confirm_totp(session, user, body.code)
        await challenges.answered(session, challenge, right)
        if right:
            codes = await proving.first_codes(session, user)
            opened = await open_session(request, response, session, user)
            return EnrolledSession(session=opened, recovery_codes=codes)
    raise WrongCode(WRONG_CODE)
