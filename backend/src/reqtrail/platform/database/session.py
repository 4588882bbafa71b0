"""The sessions of a request.

Both dependencies have the *function* scope: FastAPI's default scope ends a generator dependency after the response
has been sent, so a failed commit would still answer 201.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.platform.database.engine import Database


def get_database(request: Request) -> Database:
    """Return the database of the running application."""
    database: Database = request.app.state.database
    return database


async def _write_session(request: Request) -> AsyncIterator[AsyncSession]:
    async with get_database(request).session() as session:
        yield session


async def _read_session(request: Request) -> AsyncIterator[AsyncSession]:
    async with get_database(request).read_session() as session:
        yield session


WriteSession = Annotated[AsyncSession, Depends(_write_session, scope="function")]
ReadSession = Annotated[AsyncSession, Depends(_read_session, scope="function")]
