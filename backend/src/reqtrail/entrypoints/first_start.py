"""The first start of an instance: its administrator, the credentials of the local command line, the demo project."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.bootstrap.vault import prepare_secrets
from reqtrail.bootstrap.wiring import register_all
from reqtrail.features.identity.public import (
    PasswordHasher,
    User,
    any_user,
    create_user,
    make_api_token,
)
from reqtrail.platform.auditing import INSTANCE, Source, describe, open_trail
from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.settings import Settings, write_private

ADMINISTRATOR = "admin@reqtrail.local"
DemoLoader = Callable[[AsyncSession, User], Awaitable[None]]
"""Makes the demo project in the session's transaction, owned by the given account."""

_LOCK = text("SELECT pg_advisory_xact_lock(7301199)")


@dataclass(frozen=True)
class Credentials:
    """What the administrator signs in with; the password is made once and shown once."""

    url: str
    email: str
    password: str
    token: str


def ensure_first_start(
    settings: Settings, load_demo: DemoLoader | None = None
) -> Credentials | None:
    """Make the administrator and, if the settings say so, the demo project, unless there are accounts already.

    Everything happens in one transaction, and the credentials are in ``settings.credentials_file`` (mode 0600) before
    it commits: there is never an administrator whose password nobody knows.

    Returns:
        The new credentials, or None when this was not the first start.

    Raises:
        ValueError: If the settings name no database.
        KeysUnusable: If secrets are encrypted with a master key that is not there.
        sqlalchemy.exc.DBAPIError, OSError: If the database or the home cannot be written.
    """
    if settings.database_url is None:
        raise ValueError("The settings name no database.")
    register_all()
    return asyncio.run(_first_start(settings, settings.database_url, load_demo))


async def _first_start(
    settings: Settings, database_url: str, load_demo: DemoLoader | None
) -> Credentials | None:
    database = Database(make_engine(database_url, role=settings.database_role, pool_size=1))
    hasher = PasswordHasher(settings.bcrypt_rounds, workers=1)
    try:
        await prepare_secrets(database, settings)
        async with database.session() as session:
            await session.execute(_LOCK)  # of two first starts the second finds an account
            if await any_user(session):
                return None
            open_trail(session, Source("start_instance", proof="local"))
            credentials, administrator = await _make_administrator(session, hasher, settings)
            if settings.demo and load_demo is not None:
                await load_demo(session, administrator)
            described = {"administrator": administrator.email, "demo": settings.demo}
            describe(
                session,
                action="instance:start",
                subject=("user", administrator.user_id),
                new=described,
                project_id=INSTANCE,
            )
            settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(settings.credentials_file, orjson.dumps(credentials).decode())
        return credentials
    finally:
        hasher.close()
        await database.dispose()


async def _make_administrator(
    session: AsyncSession, hasher: PasswordHasher, settings: Settings
) -> tuple[Credentials, User]:
    password = secrets.token_urlsafe(15)
    administrator = await create_user(
        session,
        hasher,
        email=ADMINISTRATOR,
        display_name="Administrator",
        password=password,
        is_administrator=True,
    )
    _, token = await make_api_token(session, administrator.user_id, "Command line", None)
    url = f"http://{settings.host}:{settings.port}"
    return Credentials(url, ADMINISTRATOR, password, token), administrator
