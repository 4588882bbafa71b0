"""The ends of jobs, written together: one transaction for all that ended while the one before was being written."""

from __future__ import annotations

import asyncio
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from reqtrail.platform.background import end_task
from reqtrail.platform.database.engine import Database
from reqtrail.platform.jobs import claiming
from reqtrail.platform.jobs.claiming import End

logger = structlog.get_logger()

TOGETHER: Final = 200
"""How many are written by one statement at most."""


class Endings:
    """Says of jobs that they are done.

    Args:
        database: Opened for the task ``jobs``, which reaches those of every project.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[End, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def done(self, end: End) -> bool:
        """Return once the end of a job is durable; False if it could not be written together with others.

        The job is then as it was: not this worker's any more, looked at by somebody at this moment, or not reached.
        """
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((end, future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="job ends")
        return await future

    async def stop(self) -> None:
        """Write no more."""
        if self._writing is not None:
            await end_task(self._writing)

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
                ended = await self._settle([end for end, _ in batch])
                for end, future in batch:
                    if not future.done():
                        future.set_result(end.job.job_id in ended)
        finally:
            self._writing = None

    async def _settle(self, ends: list[End]) -> set[UUID]:
        try:
            async with self._database.session() as session:
                return await claiming.settle_together(session, ends)
        except (SQLAlchemyError, OSError, TypeError) as error:
            # Each ends alone then; one whose result cannot be written down (TypeError) fails by itself.
            logger.warning("jobs_not_ended_together", error=type(error).__name__, count=len(ends))
            return set()
