"""One's own second factors."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from reqtrail.features.identity.deps import (
    ApiCredential,
    AppSettings,
    Hasher,
    Party,
    SignedIn,
    SignedInFresh,
    SignedInFreshReader,
)
from reqtrail.features.identity.endpoints.guarding import guarded
from reqtrail.features.identity.endpoints.second_step import WRONG_CODE
from reqtrail.features.identity.factors import managing, proving, recovery, totp
from reqtrail.features.identity.factors.errors import NotProven, SessionNeeded, WrongCode
from reqtrail.features.identity.factors.schemas import (
    FactorsRead,
    PasskeyCreate,
    PasskeyCreated,
    PasskeyOptions,
    PasskeyPatch,
    PasskeyRead,
    Proof,
    RecoveryCodes,
    TotpConfirm,
    TotpEnrolment,
)
from reqtrail.platform.database.session import ReadSession, WriteSession, request_session
from reqtrail.platform.http import ApiRouter

router = ApiRouter()


@router.get("/me/factors", operation_id="get_my_factors")
async def get_my_factors(
    user: SignedIn,
    credential: ApiCredential,
    session: ReadSession,
    settings: AppSettings,
    party: Party,
) -> FactorsRead:
    """Return what one signs in with beside the password."""
    factors = await proving.factors_of(session, user.user_id)
    fresh = await proving.is_fresh(session, credential.family_id, settings.fresh_minutes)
    return FactorsRead(
        totp_since=factors.totp_since,
        passkeys=[PasskeyRead.model_validate(item) for item in factors.passkeys],
        recovery_codes_left=factors.recovery_codes_left,
        required=settings.second_factor_required,
        fresh=fresh,
        origin=party.origin,
    )


@router.post("/me/factors/totp", operation_id="begin_totp", status_code=201)
async def begin_totp(
    response: Response, user: SignedInFresh, session: WriteSession
) -> TotpEnrolment:
    """Make a secret for an authenticator; it counts once a code confirms it."""
    response.headers["Cache-Control"] = "no-store"
    proving.describe_own(session, user, "authenticator:begin")
    return TotpEnrolment.model_validate(await totp.begin(session, user))


@router.post("/me/factors/totp/confirm", operation_id="confirm_totp")
async def confirm_totp(
    request: Request, response: Response, body: TotpConfirm, user: SignedInFreshReader
) -> RecoveryCodes:
    """Confirm the new authenticator by a code; the first factor comes with recovery codes, shown this once."""
    response.headers["Cache-Control"] = "no-store"
    # A wrong code is counted, so its transaction commits before the refusal is raised.
    async with request_session(request) as session:
        if await proving.confirm_totp(session, user, body.code):
            return RecoveryCodes(recovery_codes=await proving.first_codes(session, user))
    raise WrongCode(WRONG_CODE)


@router.delete("/me/factors/totp", operation_id="remove_totp", status_code=204)
async def remove_totp(user: SignedInFresh, session: WriteSession, settings: AppSettings) -> None:
    """Remove the authenticator; recovery codes go with the last factor."""
    await managing.remove_totp(session, user, settings.second_factor_required)


@router.post("/me/factors/passkeys/options", operation_id="begin_passkey")
async def begin_passkey(user: SignedInFresh, session: WriteSession, party: Party) -> PasskeyOptions:
    """Return what an authenticator makes a passkey with."""
    proving.describe_own(session, user, "passkey:begin")
    token, options = await proving.begin_passkey(session, party, user)
    return PasskeyOptions(challenge=token, options=options)


@router.post("/me/factors/passkeys", operation_id="add_passkey", status_code=201)
async def add_passkey(
    response: Response,
    body: PasskeyCreate,
    user: SignedInFresh,
    session: WriteSession,
    party: Party,
) -> PasskeyCreated:
    """Keep a new passkey; the first factor comes with recovery codes, shown this once."""
    response.headers["Cache-Control"] = "no-store"
    credential = body.credential.as_json()
    made = await proving.add_passkey(session, party, user, body.challenge, body.name, credential)
    codes = await proving.first_codes(session, user)
    return PasskeyCreated(passkey=PasskeyRead.model_validate(made), recovery_codes=codes)


ONE_PASSKEY = "/me/factors/passkeys/{passkey_id:uuid}"
"""Says itself that it is an id, since ``options`` stands beside it."""


@router.patch(ONE_PASSKEY, operation_id="rename_passkey", status_code=204)
async def rename_passkey(
    passkey_id: UUID, body: PasskeyPatch, user: SignedInFresh, session: WriteSession
) -> None:
    """Give a passkey another name."""
    await managing.rename_passkey(session, user, passkey_id, body.name)


@router.delete(ONE_PASSKEY, operation_id="remove_passkey", status_code=204)
async def remove_passkey(
    passkey_id: UUID, user: SignedInFresh, session: WriteSession, settings: AppSettings
) -> None:
    """Remove a passkey; recovery codes go with the last factor."""
    await managing.remove_passkey(session, user, passkey_id, settings.second_factor_required)


@router.post("/me/factors/recovery-codes", operation_id="renew_recovery_codes", status_code=201)
async def renew_recovery_codes(
    response: Response, user: SignedInFresh, session: WriteSession
) -> RecoveryCodes:
    """Make new recovery codes, shown this once; the old ones are good no longer."""
    response.headers["Cache-Control"] = "no-store"
    await managing.require_any(session, user)
    proving.describe_own(session, user, "recovery:renew")
    return RecoveryCodes(recovery_codes=await recovery.issue(session, user.user_id))


@router.post("/me/proof", operation_id="prove_myself", status_code=204)
async def prove_myself(
    request: Request,
    body: Proof,
    user: SignedIn,
    credential: ApiCredential,
    hasher: Hasher,
    party: Party,
) -> None:
    """Prove again who one is, by password, code or passkey; factors can then be changed for some minutes."""
    if credential.family_id is None:
        raise SessionNeeded("An API token cannot do this. Sign in with a browser.")
    given = body.passkey
    async with guarded(request, f"proof:{user.user_id}"):
        async with request_session(request) as session:
            proven = await proving.proves(
                session,
                hasher,
                party,
                user,
                password=body.password,
                code=body.code,
                passkey=(given.challenge, given.credential.as_json()) if given else None,
            )
            if proven:
                await proving.note_proof(session, credential.family_id)
        if not proven:
            raise NotProven("That is not right. Try again.")
