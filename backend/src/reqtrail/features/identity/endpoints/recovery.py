"""What mailed links do to an account that exists: a new password, a proven or another e-mail address."""

from __future__ import annotations

from fastapi import Depends, Request

from reqtrail.features.identity.deps import AppSettings, Hasher, SignedInOnce
from reqtrail.features.identity.endpoints.guarding import (
    forgive,
    guarded,
    limit_links,
    limit_mails,
)
from reqtrail.features.identity.schemas import (
    EmailAsked,
    EmailChange,
    EmailConfirmed,
    LinkToken,
    PasswordByLink,
)
from reqtrail.features.identity.service import addresses, resetting
from reqtrail.platform.database.session import WriteSession
from reqtrail.platform.http import ApiRouter
from reqtrail.platform.permissions import public

router = ApiRouter()


@router.post(
    "/auth/password-resets",
    operation_id="ask_password_reset",
    status_code=202,
    dependencies=[Depends(public)],
)
async def ask_password_reset(
    request: Request, body: EmailAsked, settings: AppSettings, session: WriteSession
) -> None:
    """Ask for a link for a new password. The answer does not tell whether the address has an account."""
    await limit_mails(request)
    await resetting.ask_reset(session, settings.public_address, body.email)


@router.post(
    "/auth/password-resets/complete",
    operation_id="reset_password",
    status_code=204,
    dependencies=[Depends(public)],
)
async def reset_password(
    request: Request, body: PasswordByLink, hasher: Hasher, session: WriteSession
) -> None:
    """Set a new password with a mailed link; sign-ins and API tokens of the account end. Sign in afterwards."""
    await limit_links(request)
    user = await resetting.reset_by_link(session, hasher, body.token, body.password)
    await forgive(request, user.email)


@router.post(
    "/auth/email-verifications/complete",
    operation_id="verify_email",
    dependencies=[Depends(public)],
)
async def verify_email(request: Request, body: LinkToken, session: WriteSession) -> EmailConfirmed:
    """Note that the address of an account is its owner's."""
    await limit_links(request)
    user = await addresses.verify(session, body.token)
    return EmailConfirmed(email=user.email)


@router.post(
    "/auth/email-changes/complete",
    operation_id="confirm_email_change",
    dependencies=[Depends(public)],
)
async def confirm_email_change(
    request: Request, body: LinkToken, session: WriteSession
) -> EmailConfirmed:
    """Make the address that the link was sent to the account's; the old one gets a notice."""
    await limit_links(request)
    user, _ = await addresses.confirm_change(session, body.token)
    return EmailConfirmed(email=user.email)


@router.post("/me/email/verification", operation_id="ask_email_verification", status_code=202)
async def ask_email_verification(
    request: Request, user: SignedInOnce, settings: AppSettings, session: WriteSession
) -> None:
    """Mail a link that proves that the address is one's own."""
    await limit_mails(request)
    await addresses.ask_verification(session, settings.public_address, user)


@router.post("/me/email", operation_id="change_email", status_code=202)
async def change_email(
    request: Request,
    body: EmailChange,
    user: SignedInOnce,
    hasher: Hasher,
    settings: AppSettings,
    session: WriteSession,
) -> None:
    """Ask for another e-mail address; it changes once a link that is mailed there is followed."""
    await limit_mails(request)
    async with guarded(request, f"proof:{user.user_id}"):
        await addresses.ask_change(
            session, hasher, settings.public_address, user, body.email, body.password
        )
