"""Sign-in, one's own account, accounts for administrators."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from reqtrail.features.identity.deps import (
    FILES_COOKIE,
    Administrator,
    AdministratorWriter,
    Hasher,
    SignedIn,
    SignedInOnce,
    SignedInWriter,
    Signer,
    same_origin,
)
from reqtrail.features.identity.errors import SessionEnded
from reqtrail.features.identity.schemas import (
    MePatch,
    PasswordChange,
    Session,
    SignIn,
    TokenCreate,
    TokenCreated,
    TokenRead,
    UserCreate,
    UserPatch,
    UserRead,
)
from reqtrail.features.identity.service import accounts, listing, tokens
from reqtrail.features.identity.service.tokens import TokenSigner
from reqtrail.features.identity.types import User
from reqtrail.kit.errors import NotFound
from reqtrail.platform.database.session import ReadSession, WriteSession, get_database
from reqtrail.platform.http import ApiRouter, client_address
from reqtrail.platform.permissions import public
from reqtrail.platform.rate_limit import Limiter
from reqtrail.platform.settings import Settings

router = ApiRouter(tags=["identity"])

REFRESH_COOKIE = "reqtrail_refresh"
REFRESH_PATH = "/api/v1/auth"
FILES_PATH = "/api/v1/projects"


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _settings_of_app(request: Request) -> Settings:
    return _settings(request)


AppSettings = Annotated[Settings, Depends(_settings_of_app)]


def _open(
    request: Request,
    response: Response,
    signer: TokenSigner,
    user: User,
    family_id: UUID,
    refresh_token: str,
) -> Session:
    secure = request.url.scheme == "https"
    settings = _settings(request)
    response.set_cookie(
        REFRESH_COOKIE,
        refresh_token,
        max_age=settings.refresh_token_days * 86400,
        path=REFRESH_PATH,
        secure=secure,
        httponly=True,
        samesite="strict",
    )
    seconds = int(signer.lifetime.total_seconds())
    response.set_cookie(
        FILES_COOKIE,
        signer.sign(user.user_id, family_id, "files"),
        max_age=seconds,
        path=FILES_PATH,
        secure=secure,
        httponly=True,
        samesite="strict",
    )
    response.headers["Cache-Control"] = "no-store"
    return Session(
        access_token=signer.sign(user.user_id, family_id, "api"),
        expires_in=seconds,
        user=UserRead.model_validate(user),
    )


@router.post("/auth/sign-in", operation_id="sign_in", dependencies=[Depends(public)])
async def sign_in(
    request: Request,
    response: Response,
    body: SignIn,
    hasher: Hasher,
    signer: Signer,
    settings: AppSettings,
) -> Session:
    """Sign in with e-mail address and password; sets the refresh cookie and the files cookie."""
    same_origin(request)
    limiter: Limiter = request.app.state.limiter
    await limiter.hit("sign-in-address", client_address(request), settings.sign_in_limit * 5)
    await limiter.hit("sign-in-account", body.email.strip().lower(), settings.sign_in_limit)
    database = get_database(request)
    user = await accounts.check_credentials(database, hasher, body.email, body.password)
    async with database.session() as session:
        family = await tokens.begin_family(session, user.user_id, settings.refresh_token_days)
    return _open(request, response, signer, user, *family)


@router.post(
    "/auth/refresh",
    operation_id="refresh_session",
    dependencies=[Depends(public)],
    response_model=Session,
    responses={204: {"description": "There is no refresh cookie: nobody was signed in."}},
)
async def refresh_session(
    request: Request, response: Response, signer: Signer
) -> Session | Response:
    """Exchange the refresh cookie for the next one and a new access token; 204 when there is no cookie."""
    same_origin(request)
    if not request.cookies.get(REFRESH_COOKIE):
        return Response(status_code=204)
    # The transaction commits in either case: a token that was used before has ended its family.
    async with get_database(request).session() as session:
        found = await tokens.rotate(
            session,
            request.cookies.get(REFRESH_COOKIE, ""),
            _settings(request).refresh_token_days,
        )
    if found is None:
        raise SessionEnded("Sign in again.")
    return _open(request, response, signer, *found)


@router.post(
    "/auth/sign-out", operation_id="sign_out", status_code=204, dependencies=[Depends(public)]
)
async def sign_out(request: Request, response: Response, session: WriteSession) -> None:
    """End this sign-in: its access tokens stop working too."""
    same_origin(request)
    await tokens.end_family(session, request.cookies.get(REFRESH_COOKIE, ""))
    response.delete_cookie(REFRESH_COOKIE, path=REFRESH_PATH)
    response.delete_cookie(FILES_COOKIE, path=FILES_PATH)


@router.get("/me", operation_id="get_me")
async def get_me(user: SignedIn) -> UserRead:
    """Return the account that asks."""
    return UserRead.model_validate(user)


@router.patch("/me", operation_id="update_me")
async def update_me(body: MePatch, user: SignedInWriter, session: WriteSession) -> UserRead:
    """Change one's own display name."""
    changed = await accounts.patch_user(session, user.user_id, display_name=body.display_name)
    return UserRead.model_validate(changed)


@router.post("/me/password", operation_id="change_password", status_code=204)
async def change_password(
    body: PasswordChange,
    user: SignedInOnce,
    session: WriteSession,
    hasher: Hasher,
    request: Request,
) -> None:
    """Change one's own password; every sign-in of the account ends."""
    limiter: Limiter = request.app.state.limiter
    await limiter.hit("sign-in-account", user.email, _settings(request).sign_in_limit)
    await accounts.change_password(session, hasher, user, body.current, body.new)


@router.get("/me/tokens", operation_id="list_tokens")
async def list_tokens(user: SignedIn, session: ReadSession) -> list[TokenRead]:
    """List one's own API tokens."""
    return [TokenRead.model_validate(item) for item in await listing.tokens_of(session, user)]


@router.post("/me/tokens", operation_id="create_token", status_code=201)
async def create_token(
    body: TokenCreate, user: SignedInOnce, session: WriteSession
) -> TokenCreated:
    """Make an API token; its secret is in this answer only."""
    token_id, token = await tokens.make_api_token(session, user.user_id, body.name, body.days)
    return TokenCreated(id=token_id, token=token)


@router.delete("/me/tokens/{token_id}", operation_id="revoke_token", status_code=204)
async def revoke_token(token_id: UUID, user: SignedInWriter, session: WriteSession) -> None:
    """End an API token at once."""
    if not await listing.revoke_token(session, user, token_id):
        raise NotFound("You have no such token.")


@router.get("/users", operation_id="list_users")
async def list_users(user: Administrator, session: ReadSession) -> list[UserRead]:
    """List all accounts (administrators)."""
    return [UserRead.model_validate(item) for item in await listing.all_users(session)]


@router.post("/users", operation_id="create_user", status_code=201)
async def create_user(
    body: UserCreate, user: AdministratorWriter, session: WriteSession, hasher: Hasher
) -> UserRead:
    """Make an account (administrators)."""
    made = await accounts.create_user(session, hasher, **body.model_dump())
    return UserRead.model_validate(made)


@router.patch("/users/{user_id}", operation_id="update_user")
async def update_user(
    user_id: UUID, body: UserPatch, user: AdministratorWriter, session: WriteSession
) -> UserRead:
    """Change an account (administrators); disabling it ends its sign-ins."""
    changed = await accounts.patch_user(session, user_id, **body.model_dump())
    return UserRead.model_validate(changed)
