"""Who is asking."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Annotated

import structlog
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.errors import ForeignOrigin, TokenInvalid
from reqtrail.features.identity.factors import proving
from reqtrail.features.identity.factors.errors import SessionNeeded
from reqtrail.features.identity.factors.passkeys import RelyingParty
from reqtrail.features.identity.service import idempotency
from reqtrail.features.identity.service.passwords import PasswordHasher
from reqtrail.features.identity.service.token_use import TokenUse
from reqtrail.features.identity.service.tokens import TokenSigner, authenticate, read_credential
from reqtrail.features.identity.single_sign_on.discovery import Providers
from reqtrail.features.identity.types import Actor, Credential, Device
from reqtrail.kit.errors import Forbidden, Unauthenticated
from reqtrail.platform.allowance import count_account, count_token
from reqtrail.platform.database.access import TOKENS, Subject
from reqtrail.platform.database.session import ReadSession, WriteSession, get_database
from reqtrail.platform.guessing import Delays
from reqtrail.platform.http import Replay, client_address, request_content
from reqtrail.platform.permissions import declares
from reqtrail.platform.settings import Settings

FILES_COOKIE = "reqtrail_files"
MAX_USER_AGENT = 300
_OWN_SITE = frozenset({"none", "same-origin"})


# Dependencies are coroutines even where they wait for nothing: FastAPI runs plain functions in a thread.


def settings_of(request: Request) -> Settings:
    """Return the settings of the running application."""
    settings: Settings = request.app.state.settings
    return settings


async def _settings_of_app(request: Request) -> Settings:
    return settings_of(request)


async def hasher_of_app(request: Request) -> PasswordHasher:
    """Return the application's password hasher."""
    hasher: PasswordHasher = request.app.state.hasher
    return hasher


def providers_of(request: Request) -> Providers:
    """Return the providers of single sign-on."""
    providers: Providers = request.app.state.providers
    return providers


def delays_of(request: Request) -> Delays:
    """Return the application's delays against guessing."""
    delays: Delays = request.app.state.delays
    return delays


def device_of(request: Request) -> Device:
    """Return what the request says of the device that it comes from."""
    return Device(client_address(request), request.headers.get("user-agent", "")[:MAX_USER_AGENT])


def get_signer(request: Request) -> TokenSigner:
    """Return the application's token signer."""
    signer: TokenSigner = request.app.state.signer
    return signer


def bearer_token(request: Request) -> str | None:
    """Return the bearer token of the Authorization header, if there is one.

    Raises:
        TokenInvalid: If the header is of another scheme.
    """
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenInvalid("The Authorization header must be “Bearer <token>”.")
    return token.strip()


async def read_api_credential(request: Request) -> Credential:
    """Return what the Authorization header proves, if the database agrees.

    Raises:
        Unauthenticated: If there is none.
        TokenInvalid: If it is not good.
    """
    token = bearer_token(request)
    if token is None:
        raise Unauthenticated("Sign in, or send a token in the Authorization header.")
    return _counted(request, await read_credential(get_signer(request), token, "api"))


async def read_file_credential(request: Request) -> Credential:
    """Return what the Authorization header proves or, without one, the cookie for files.

    A picture in a page cannot send a header.
    """
    cookie = request.cookies.get(FILES_COOKIE)
    if cookie is not None and bearer_token(request) is None:
        return _counted(request, await read_credential(get_signer(request), cookie, "files"))
    return await read_api_credential(request)


async def subjects_of(request: Request) -> Collection[Subject]:
    """Return by whose access a request reads, as far as what it came with tells.

    The account of an API token is found out by the query that proves it, which is too late to choose where that runs.
    """
    cookie = request.cookies.get(FILES_COOKIE)
    try:
        token = bearer_token(request)
        if token is not None:
            credential = await read_credential(get_signer(request), token, "api")
        elif cookie is not None:
            credential = await read_credential(get_signer(request), cookie, "files")
        else:
            return ()
    except TokenInvalid:
        return ()  # the route refuses it
    if credential.token_hash is not None:
        return (TOKENS,)
    return ("account", str(credential.user_id)), ("session", str(credential.family_id))


def _counted(request: Request, credential: Credential) -> Credential:
    """Count the request before it costs the database anything; that of an API token counts for its account later."""
    if credential.token_hash is not None:
        count_token(request, credential.token_hash)
    elif credential.user_id is not None:
        count_account(request, credential.user_id)
    return credential


ApiCredential = Annotated[Credential, Depends(read_api_credential)]
FileCredential = Annotated[Credential, Depends(read_file_credential)]


async def admit_upload(request: Request) -> None:
    """Let an upload begin: its body is read to disk before the route asks who sends it.

    Raises:
        Unauthenticated: If no active account does.
    """
    credential = await read_api_credential(request)
    async with get_database(request).read_session() as session:
        await authenticate(session, credential, limited=True)


def bind_actor(request: Request, actor: Actor) -> None:
    """Make the actor part of everything that is logged for this request, and count it for their account."""
    count_account(request, actor.user_id)
    request.state.actor_id = actor.user_id
    if actor.token is not None:
        uses: TokenUse = request.app.state.token_use
        uses.note(actor.token.token_id)
    structlog.contextvars.bind_contextvars(actor=str(actor.user_id))


async def begin_idempotent(request: Request, session: AsyncSession, actor: Actor) -> None:
    """Take the request's ``Idempotency-Key``, if it carries one, for the transaction of *session*.

    Raises:
        Replay: If the same request was answered before; ends the request with that answer.
        IdempotencyMismatch: If the key was used for another request.
    """
    key = request.headers.get("idempotency-key")
    if key is None or request.method in {"GET", "HEAD"}:
        return
    # The fingerprint is keyed, because the body may hold a password.
    fingerprint = get_signer(request).fingerprint(await request_content(request))
    answer = await idempotency.begin(session, actor.user_id, key, fingerprint)
    if answer is not None:
        raise Replay(answer)
    request.state.finish_idempotent = partial(idempotency.finish, session, actor.user_id, key)


@declares("authenticated")
async def authenticated(request: Request, credential: ApiCredential, session: ReadSession) -> Actor:
    """Return the account that asks, for a route that only reads and for which a limited token will do."""
    actor = await authenticate(session, credential, limited=True)
    bind_actor(request, actor)
    return actor


@declares("signed_in")
async def signed_in(request: Request, credential: ApiCredential, session: ReadSession) -> Actor:
    """Return the account that asks, for a route that only reads."""
    actor = await authenticate(session, credential)
    bind_actor(request, actor)
    return actor


@declares("signed_in")
async def signed_in_once(
    request: Request, credential: ApiCredential, session: WriteSession
) -> Actor:
    """Return the account that asks, in the transaction of a write whose answer must not be kept (a secret)."""
    actor = await authenticate(session, credential)
    bind_actor(request, actor)
    return actor


@declares("signed_in")
async def signed_in_writer(
    request: Request, credential: ApiCredential, session: WriteSession
) -> Actor:
    """Return the account that asks, in the transaction of the write that follows."""
    actor = await signed_in_once(request, credential, session)
    await begin_idempotent(request, session, actor)
    return actor


@declares("signed_in")
async def signed_in_fresh(
    request: Request, credential: ApiCredential, session: WriteSession
) -> Actor:
    """Return the account that asks, whose person proved themselves within the last minutes, in a write's transaction.

    Changes of what an account signs in with ask for it, so that an unattended browser is not enough.

    Raises:
        SessionNeeded: If an API token asks.
        ReauthenticationNeeded: If the sign-in is too old.
    """
    actor = await signed_in_once(request, credential, session)
    await _require_fresh(request, credential, session)
    return actor


@declares("signed_in")
async def signed_in_fresh_reader(
    request: Request, credential: ApiCredential, session: ReadSession
) -> Actor:
    """Return what :func:`signed_in_fresh` does, for a route that opens its transaction itself."""
    actor = await signed_in(request, credential, session)
    await _require_fresh(request, credential, session)
    return actor


async def _require_fresh(request: Request, credential: Credential, session: AsyncSession) -> None:
    if credential.family_id is None:
        raise SessionNeeded("An API token cannot change this. Sign in with a browser.")
    await proving.require_fresh(session, credential.family_id, settings_of(request).fresh_minutes)


async def _relying_party(request: Request) -> RelyingParty:
    return RelyingParty.of(settings_of(request))


def _administrator(user: Actor) -> Actor:
    if not user.is_administrator:
        raise Forbidden("Only an administrator may do this.")
    return user


@declares("administrator")
async def administrator(request: Request, credential: ApiCredential, session: ReadSession) -> Actor:
    """Return the account that asks, an administrator's, for a route that only reads.

    Raises:
        Forbidden: If it is not.
    """
    return _administrator(await signed_in(request, credential, session))


@declares("administrator")
async def administrator_writer(
    request: Request, credential: ApiCredential, session: WriteSession
) -> Actor:
    """Return the account that asks, an administrator's, in the transaction of the write that follows.

    Raises:
        Forbidden: If it is not.
    """
    actor = _administrator(await signed_in_once(request, credential, session))
    await begin_idempotent(request, session, actor)
    return actor


def same_origin(request: Request) -> None:
    """Refuse a request that acts by cookie and comes from another site.

    Raises:
        ForeignOrigin: If Origin or Sec-Fetch-Site says so.
    """
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    site = request.headers.get("sec-fetch-site", "none")
    public = settings_of(request).public_url
    own = {f"http://{host}", f"https://{host}"}
    if public is not None and public.endswith(f"//{host.lower()}"):
        own = {public}
    if (origin is not None and origin not in own) or site not in _OWN_SITE:
        raise ForeignOrigin("This request is accepted from Reqtrail's own pages only.")


Authenticated = Annotated[Actor, Depends(authenticated)]
SignedIn = Annotated[Actor, Depends(signed_in)]
SignedInOnce = Annotated[Actor, Depends(signed_in_once)]
SignedInWriter = Annotated[Actor, Depends(signed_in_writer)]
Administrator = Annotated[Actor, Depends(administrator)]
AdministratorWriter = Annotated[Actor, Depends(administrator_writer)]
SignedInFresh = Annotated[Actor, Depends(signed_in_fresh)]
SignedInFreshReader = Annotated[Actor, Depends(signed_in_fresh_reader)]
Hasher = Annotated[PasswordHasher, Depends(hasher_of_app)]
Party = Annotated[RelyingParty, Depends(_relying_party)]
AppSettings = Annotated[Settings, Depends(_settings_of_app)]
