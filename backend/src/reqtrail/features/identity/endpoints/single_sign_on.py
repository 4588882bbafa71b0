"""Single sign-on: to the provider, back from it, and the identities of one's own account."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

import structlog
from fastapi import Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from reqtrail.features.identity.deps import (
    AppSettings,
    SignedIn,
    SignedInOnce,
    SignedInWriter,
    providers_of,
    same_origin,
    settings_of,
)
from reqtrail.features.identity.endpoints.opening import open_session
from reqtrail.features.identity.service.accounts import password_signs_in
from reqtrail.features.identity.single_sign_on import protocol, service
from reqtrail.features.identity.single_sign_on.errors import NeedsSignIn, ProviderRefused
from reqtrail.features.identity.single_sign_on.schemas import (
    IdentityLink,
    IdentityRead,
    ProviderAddress,
)
from reqtrail.features.identity.single_sign_on.types import Attempt, Person
from reqtrail.kit.errors import ReqtrailError
from reqtrail.platform.auditing import describe, identify
from reqtrail.platform.database.session import (
    ReadSession,
    WriteSession,
    get_database,
    record_refusal,
    request_session,
)
from reqtrail.platform.http import ApiRouter
from reqtrail.platform.permissions import public
from reqtrail.platform.settings import Settings
from reqtrail.platform.sign_in_providers import SignInProvider

logger = structlog.get_logger()
router = ApiRouter()

PREFIX: Final = "/api/v1/auth/single-sign-on"
BROWSER_COOKIE: Final = "reqtrail_single_sign_on"
SIGN_IN_PAGE: Final = "/sign-in"
ACCOUNT_PAGE: Final = "/account"

Text = Annotated[str | None, Query(max_length=4000)]


def _redirect_uri(settings: Settings, provider: SignInProvider) -> str:
    """Return where a provider sends people back to: an address for each, so that answers cannot be mixed up."""
    return f"{settings.public_address}{PREFIX}/{provider.id}/callback"


def _to_page(path: str, **query: str) -> RedirectResponse:
    joined = f"{path}{'&' if '?' in path else '?'}{urlencode(query)}" if query else path
    return RedirectResponse(joined, 303, headers={"Cache-Control": "no-store"})


def _remember_browser(request: Request, response: Response, browser_secret: str) -> None:
    response.set_cookie(
        BROWSER_COOKIE,
        browser_secret,
        max_age=int(service.ATTEMPT_LIFETIME.total_seconds()),
        path=PREFIX,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",  # the answer comes by a link of the provider's page
    )


@router.get(
    "/auth/single-sign-on/{provider_id}",
    operation_id="begin_single_sign_on",
    dependencies=[Depends(public)],
    status_code=303,
    response_class=RedirectResponse,
)
async def begin_single_sign_on(request: Request, provider_id: str, next: Text = None) -> Response:
    """Send the browser to a provider's sign-in page; it comes back to *next*, a page of this application."""
    providers, settings = providers_of(request), settings_of(request)
    return_path = service.safe_path(next)
    try:
        provider = providers.get(provider_id)
        metadata = await providers.metadata(provider)
    except ReqtrailError as error:
        return _to_page(SIGN_IN_PAGE, problem=error.code, next=return_path)
    state, browser_secret = service.new_secret(), service.new_secret()
    async with get_database(request).session() as session:
        await service.keep_attempt(
            session,
            provider,
            state=state,
            browser_secret=browser_secret,
            return_path=return_path,
        )
    secrets = protocol.derive_secrets(browser_secret, state)
    redirect_uri = _redirect_uri(settings, provider)
    response = _to_page(
        protocol.authorization_address(provider, metadata, redirect_uri, state, secrets)
    )
    _remember_browser(request, response, browser_secret)
    return response


@router.get(
    "/auth/single-sign-on/{provider_id}/callback",
    operation_id="finish_single_sign_on",
    dependencies=[Depends(public)],
    status_code=303,
    response_class=RedirectResponse,
)
async def finish_single_sign_on(
    request: Request,
    provider_id: str,
    state: Text = None,
    code: Text = None,
    iss: Text = None,
    error: Text = None,
) -> Response:
    """Take a provider's answer, and send the browser on to where the person wanted to go, signed in."""
    attempt: Attempt | None = None
    try:
        provider = providers_of(request).get(provider_id)
        browser_secret = request.cookies.get(BROWSER_COOKIE, "")
        attempt = await _take(request, provider, state or "", browser_secret)
        person = await _prove(request, provider, state or "", browser_secret, code, iss, error)
        response = await _enter(request, provider, attempt, person)
    except ReqtrailError as refusal:
        logger.warning("single_sign_on_refused", provider=provider_id, code=refusal.code)
        await record_refusal(request, refusal.code, "session:open", ("provider", provider_id))
        linking = attempt is not None and attempt.user_id is not None
        response = _to_page(
            ACCOUNT_PAGE if linking else SIGN_IN_PAGE,
            problem=refusal.code,
            **({"next": attempt.return_path} if attempt and not linking else {}),
        )
    response.delete_cookie(BROWSER_COOKIE, path=PREFIX)
    return response


async def _take(
    request: Request, provider: SignInProvider, state: str, browser_secret: str
) -> Attempt:
    # A transaction of its own, and none while the provider is asked: an answer is taken once, whatever comes of it.
    async with get_database(request).session() as session:
        taken = await service.take_attempt(session, state)
    return service.checked_attempt(taken, provider, browser_secret)


async def _prove(
    request: Request,
    provider: SignInProvider,
    state: str,
    browser_secret: str,
    code: str | None,
    iss: str | None,
    error: str | None,
) -> Person:
    providers = providers_of(request)
    protocol.check_issuer(await providers.metadata(provider), iss)
    if error is not None or not code:
        raise ProviderRefused("The sign-in was cancelled, or the provider did not let you in.")
    secrets = protocol.derive_secrets(browser_secret, state)
    redirect_uri = _redirect_uri(settings_of(request), provider)
    return await protocol.redeem_code(providers, provider, code, redirect_uri, secrets)


async def _enter(
    request: Request, provider: SignInProvider, attempt: Attempt, person: Person
) -> RedirectResponse:
    response = _to_page(attempt.return_path)
    async with request_session(request) as session:
        if attempt.user_id is not None:
            identify(session, actor_id=attempt.user_id)
            await service.link(session, provider, person, attempt.user_id)
            return response
        user, entrance = await service.sign_in(session, provider, person)
        await open_session(request, response, session, user)
        describe(session, details={"provider": provider.id, "identity": entrance})
    return response


@router.get("/me/identities", operation_id="list_identities")
async def list_identities(
    request: Request, user: SignedIn, session: ReadSession
) -> list[IdentityRead]:
    """List the identities at sign-in providers that sign in to one's own account."""
    providers = providers_of(request)
    found = []
    for one in await service.list_identities(session, user.user_id):
        provider = providers.of_issuer(one.issuer)
        found.append(
            IdentityRead(
                id=one.identity_id,
                provider=provider.id if provider else None,
                name=provider.name if provider else one.issuer,
                email=one.email,
                linked_at=one.linked_at,
                used_at=one.used_at,
            )
        )
    return found


@router.post("/me/identities", operation_id="link_identity")
async def link_identity(
    request: Request,
    response: Response,
    body: IdentityLink,
    user: SignedInOnce,
    settings: AppSettings,
    session: WriteSession,
) -> ProviderAddress:
    """Begin to link an identity: the browser goes to the address, proves it there, and comes back."""
    same_origin(request)
    if user.token is not None:
        raise NeedsSignIn("Sign in with the browser to link an identity.")
    providers = providers_of(request)
    provider = providers.get(body.provider)
    metadata = await providers.metadata(provider)
    state, browser_secret = service.new_secret(), service.new_secret()
    await service.keep_attempt(
        session,
        provider,
        state=state,
        browser_secret=browser_secret,
        return_path=service.safe_path(body.next, ACCOUNT_PAGE),
        user_id=user.user_id,
    )
    describe(session, action="identity:ask", subject=("user", user.user_id))
    secrets = protocol.derive_secrets(browser_secret, state)
    redirect_uri = _redirect_uri(settings, provider)
    _remember_browser(request, response, browser_secret)
    return ProviderAddress(
        address=protocol.authorization_address(provider, metadata, redirect_uri, state, secrets)
    )


@router.delete("/me/identities/{identity_id}", operation_id="unlink_identity", status_code=204)
async def unlink_identity(
    identity_id: UUID, user: SignedInWriter, settings: AppSettings, session: WriteSession
) -> None:
    """Take an identity away from one's own account."""
    if user.token is not None:
        raise NeedsSignIn("Sign in with the browser to unlink an identity.")
    counts = password_signs_in(settings, user)
    await service.unlink(session, user, identity_id, password_counts=counts)
