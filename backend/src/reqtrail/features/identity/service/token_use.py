"""When API tokens were last used: noted in memory, written now and then, never by the request itself."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from reqtrail.features.identity import repository
from reqtrail.kit import clock
from reqtrail.platform.background import end_task, keep_running
from reqtrail.platform.database.engine import Database

logger = structlog.get_logger()

WRITE_SECONDS: Final = 15
PRECISION: Final = timedelta(minutes=1)
"""A token's last use is written at most this often, however many processes saw it."""


class TokenUse:
    """The uses that this process saw and has not written yet."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: dict[UUID, datetime] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, token_id: UUID) -> None:
        """Remember that a token was used now."""
        self._seen[token_id] = clock.now()

    def start(self) -> None:
        """Begin to write."""
        self._task = keep_running(self._write_now_and_then, "token-use")

    async def stop(self) -> None:
        """Write what is left and end."""
        if self._task is not None:
            await end_task(self._task)
        await self._write_or_warn()

    async def write(self) -> None:
        """Write what was seen; a use within a minute of the one that is written already is not worth a write."""
        seen, self._seen = self._seen, {}
        if seen:
            async with self._database.session() as session:
                await repository.write_token_uses(session, seen, PRECISION)

    async def _write_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            await self._write_or_warn()

    async def _write_or_warn(self) -> None:
        try:
            await self.write()
        except (SQLAlchemyError, OSError) as error:  # the next use of the token is noted again
            logger.warning("token_use_not_written", error=type(error).__name__)
