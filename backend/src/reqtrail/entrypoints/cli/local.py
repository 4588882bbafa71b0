"""The administrator's way in: what works on the local instance's database without any password."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import orjson
from pydantic import ValidationError

from reqtrail.bootstrap.database import open_marks
from reqtrail.bootstrap.wiring import register_all
from reqtrail.entrypoints.cli.output import Exit, fail
from reqtrail.features.identity.public import (
    PasswordHasher,
    make_api_token,
    reset_password,
)
from reqtrail.kit.errors import ReqtrailError
from reqtrail.platform.auditing import Source, describe, open_trail
from reqtrail.platform.crypto import KeysUnusable, open_vault
from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.settings import Settings, complaint, write_private


def database_url(settings: Settings) -> str:
    """Return the database of the settings, or that of the running local instance.

    Raises:
        typer.Exit: If there is neither.
    """
    if settings.database_url is not None:
        return settings.database_url
    try:
        return str(orjson.loads(settings.runtime_file.read_bytes())["database_url"])
    except (OSError, ValueError, KeyError):
        raise fail(
            Exit.UNREACHABLE,
            f"No local instance runs with the home {settings.home}. Start it with `reqtrail up`, or set"
            " REQTRAIL_DATABASE_URL.",
        ) from None


def set_password(email: str, password: str | None) -> str:
    """Set the password of an account directly in the database; return it. Without one, one is made.

    Raises:
        typer.Exit: If there is no such account, the password is refused or the database is away.
    """
    settings = _settings()
    url = database_url(settings)
    chosen = password or secrets.token_urlsafe(15)
    register_all()
    try:
        asyncio.run(_set(settings, url, email, chosen))
    except ReqtrailError as error:
        raise fail(Exit.REFUSED, error.detail, problem=error.code) from None
    except KeysUnusable as error:
        raise fail(Exit.REFUSED, str(error)) from None
    except OSError as error:
        raise fail(Exit.UNREACHABLE, f"The database cannot be reached: {error}.") from None
    return chosen


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        raise fail(Exit.USAGE, complaint(error)) from None


async def _set(settings: Settings, url: str, email: str, password: str) -> None:
    database = Database(make_engine(url, role=settings.database_role, pool_size=1))
    database.marks = open_marks(settings)
    hasher = PasswordHasher(settings.bcrypt_rounds, workers=1)
    try:
        await open_vault(database, settings)  # the account is told by mail, whose text is sealed
        async with database.session() as session:
            open_trail(session, Source("set_password", proof="local"))
            user = await reset_password(session, hasher, email, password)
            stored = _stored_credentials(settings)
            if stored.get("email") == user.email:
                _, token = await make_api_token(session, user.user_id, "Command line", None)
                stored |= {"password": password, "token": token}
                write_private(settings.credentials_file, orjson.dumps(stored).decode())
            describe(session, action="password:set", subject=("user", user.user_id))
    finally:
        hasher.close()
        await database.dispose()


def _stored_credentials(settings: Settings) -> dict[str, Any]:
    """Return what the first start stored; if it is for the account in question, its token must be made anew."""
    try:
        found: dict[str, Any] = orjson.loads(settings.credentials_file.read_bytes())
    except (OSError, ValueError):
        return {}
    return found
