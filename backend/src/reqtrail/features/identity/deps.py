"""Who is asking."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from reqtrail.features.identity.errors import ForeignOrigin, TokenInvalid
from reqtrail.features.identity.service.passwords import PasswordHasher
from reqtrail.features.identity.service.tokens import TokenSigner, authenticate
from reqtrail.features.identity.types import User
from reqtrail.kit.errors import Forbidden, Unauthenticated
from reqtrail.platform.database.session import ReadSession
from reqtrail.platform.permissions import declares

FILES_COOKIE = "reqtrail_files"


def get_hasher(request: Request) -> PasswordHasher:
    """Return the application's password hasher."""
    hasher: PasswordHasher = request.app.state.hasher
    return hasher


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


@declares("signed in")
async def signed_in(request: Request, session: ReadSession) -> User:
    """Return the account that asks.

    Raises:
        Unauthenticated: If nobody is signed in or the token is not good.
    """
    token = bearer_token(request)
    if token is None:
        raise Unauthenticated("Sign in, or send a token in the Authorization header.")
    return await authenticate(session, get_signer(request), token, "api")


@declares("signed in, also by the files cookie")
async def signed_in_for_files(request: Request, session: ReadSession) -> User:
    """Like :func:`signed_in`, but the files cookie counts too: a picture in a page cannot send a header."""
    token, audience = bearer_token(request), "api"
    if token is None:
        token, audience = request.cookies.get(FILES_COOKIE), "files"
    if token is None:
        raise Unauthenticated("Sign in, or send a token in the Authorization header.")
    return await authenticate(session, get_signer(request), token, audience)


@declares("administrator")
async def administrator(user: Annotated[User, Depends(signed_in)]) -> User:
    """Return the account that asks, an administrator's.

    Raises:
        Forbidden: If it is not.
    """
    if not user.is_administrator:
        raise Forbidden("Only an administrator may do this.")
    return user


def same_origin(request: Request) -> None:
    """Refuse a request that acts by cookie and comes from another site.

    Raises:
        ForeignOrigin: If the Origin header names another host.
    """
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    if origin is not None and origin.partition("://")[2] != host:
        raise ForeignOrigin("This request is accepted from Reqtrail's own pages only.")


SignedIn = Annotated[User, Depends(signed_in)]
SignedInForFiles = Annotated[User, Depends(signed_in_for_files)]
Administrator = Annotated[User, Depends(administrator)]
Hasher = Annotated[PasswordHasher, Depends(get_hasher)]
Signer = Annotated[TokenSigner, Depends(get_signer)]
