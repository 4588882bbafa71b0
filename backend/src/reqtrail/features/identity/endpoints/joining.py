"""Coming in: the ways that are open, registration, invitations."""

from __future__ import annotations

from uuid import UUID

from fastapi import Depends, Request

from reqtrail.features.identity.deps import (
    Administrator,
    AdministratorWriter,
    AppSettings,
    Hasher,
    SignedInWriter,
    providers_of,
)
from reqtrail.features.identity.endpoints.guarding import limit_links, limit_mails
from reqtrail.features.identity.schemas import (
    AccountByLink,
    EmailAsked,
    InvitationAccept,
    InvitationCreate,
    InvitationRead,
    LinkLook,
    MailedLink,
    ProviderRead,
    SignInOptions,
    UserRead,
)
from reqtrail.features.identity.service import joining
from reqtrail.features.identity.types import Purpose
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter
from reqtrail.platform.permissions import public

router = ApiRouter()


@router.get("/auth/options", operation_id="get_sign_in_options", dependencies=[Depends(public)])
async def get_sign_in_options(request: Request, settings: AppSettings) -> SignInOptions:
    """Tell which ways in are open to somebody who is not signed in."""
    providers = [ProviderRead.model_validate(one) for one in providers_of(request).all()]
    return SignInOptions(
        registration=settings.registration,
        password_sign_in=settings.password_sign_in,
        providers=providers,
    )


@router.post(
    "/auth/registrations",
    operation_id="ask_registration",
    status_code=202,
    dependencies=[Depends(public)],
)
async def ask_registration(
    request: Request, body: EmailAsked, settings: AppSettings, session: WriteSession
) -> None:
    """Ask for an account; a mail with a link follows. The answer does not tell whether there is one already."""
    await limit_mails(request)
    await joining.ask_registration(session, settings, body.email)


@router.post("/auth/links", operation_id="look_at_link", dependencies=[Depends(public)])
async def look_at_link(request: Request, body: LinkLook, session: ReadSession) -> MailedLink:
    """Tell what a mailed link is for, without using it up."""
    await limit_links(request)
    link, has_account = await joining.look_at_link(session, Purpose(body.purpose), body.token)
    return MailedLink.model_validate(
        {**vars(link), "has_account": has_account, **link.details}, from_attributes=False
    )


@router.post(
    "/auth/accounts",
    operation_id="create_account_by_link",
    status_code=201,
    dependencies=[Depends(public)],
)
async def create_account_by_link(
    request: Request,
    body: AccountByLink,
    settings: AppSettings,
    hasher: Hasher,
    session: WriteSession,
) -> UserRead:
    """Make the account that an invitation or a registration promises. Sign in afterwards."""
    await limit_links(request)
    made = await joining.make_account_by_link(
        session,
        settings,
        hasher,
        Purpose(body.purpose),
        body.token,
        display_name=body.display_name,
        password=body.password,
    )
    return UserRead.model_validate(made)


@router.post("/me/invitations/accept", operation_id="accept_invitation", status_code=204)
async def accept_invitation(
    body: InvitationAccept, user: SignedInWriter, session: WriteSession
) -> None:
    """Accept an invitation with the account that asks; its address must be the one that was invited."""
    await joining.accept_as(session, user, body.token)


@router.get("/invitations", operation_id="list_invitations")
async def list_invitations(user: Administrator, session: ReadSession) -> list[InvitationRead]:
    """List the open invitations to this instance (administrators)."""
    found = await joining.open_invitations(session, None)
    return [InvitationRead.model_validate({**vars(link), **link.details}) for link in found]


@router.post("/invitations", operation_id="create_invitation", status_code=201)
async def create_invitation(
    body: InvitationCreate,
    user: AdministratorWriter,
    settings: AppSettings,
    session: WriteSession,
) -> InvitationRead:
    """Invite somebody to this instance by mail (administrators); an earlier invitation of the address ends."""
    details = {"is_administrator": body.is_administrator}
    link = await joining.invite(session, settings, user, body.email, details=details)
    return InvitationRead.model_validate({**vars(link), **link.details})


@router.delete("/invitations/{invitation_id}", operation_id="withdraw_invitation", status_code=204)
async def withdraw_invitation(
    invitation_id: UUID, user: AdministratorWriter, session: WriteSession
) -> None:
    """End an open invitation to this instance (administrators)."""
    await joining.withdraw(session, invitation_id, None)
