"""Keys, on the local instance's database: what ``reqtrail keys`` does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from reqtrail.bootstrap.sealed_columns import SEALED_COLUMNS
from reqtrail.bootstrap.wiring import register_all
from reqtrail.entrypoints.cli.local import database_url
from reqtrail.entrypoints.cli.output import Exit, fail
from reqtrail.features.identity import public as identity
from reqtrail.platform.auditing import Source, describe, open_trail
from reqtrail.platform.crypto import KeysUnusable, open_vault
from reqtrail.platform.crypto.rotation import MasterUse, Rotation, master_uses, rotate
from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.settings import Settings

Result = TypeVar("Result")


def list_keys() -> list[MasterUse]:
    """Return the master keys and their use.

    Raises:
        typer.Exit: If the database is away or a master key is missing.
    """
    return _run(master_uses)


def rotate_keys(*, new_master: bool, renew: bool) -> Rotation:
    """Rotate the keys of the local instance.

    Raises:
        typer.Exit: If the database is away or a master key is missing.
    """

    async def work(database: Database) -> Rotation:
        done = await rotate(database, SEALED_COLUMNS, new_master=new_master, renew=renew)
        async with database.session() as session:
            open_trail(session, Source("rotate_keys", proof="local"))
            describe(session, action="keys:rotate", details=asdict(done))
        return done

    return _run(work)


def rotate_signing_key(*, revoke: bool) -> str:
    """Make a new key for access tokens; return its id.

    Raises:
        typer.Exit: If the database is away or a master key is missing.
    """

    async def work(database: Database) -> str:
        async with database.session() as session:
            open_trail(session, Source("rotate_signing_key", proof="local"))
            return await identity.rotate_signing_key(session, revoke=revoke)

    return _run(work)


def _run(work: Callable[[Database], Awaitable[Result]]) -> Result:
    settings = Settings()
    url = settings.migration_database_url or database_url(settings)
    register_all()

    async def connected() -> Result:
        database = Database(make_engine(url, role=None, pool_size=2))
        try:
            await open_vault(database, settings)
            return await work(database)
        finally:
            await database.dispose()

    try:
        return asyncio.run(connected())
    except KeysUnusable as error:
        raise fail(Exit.REFUSED, str(error)) from None
    except (OSError, DBAPIError) as error:
        raise fail(Exit.UNREACHABLE, f"The database cannot be used: {error}.") from None
