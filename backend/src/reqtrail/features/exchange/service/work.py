"""What keeps an import alive while a process works on it: its lease, its progress, its cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.repository import jobs
from reqtrail.features.exchange.types import Job
from reqtrail.platform.background import end_task
from reqtrail.platform.database.engine import Database

logger = structlog.get_logger()

LEASE: Final = timedelta(seconds=20)
HEARTBEAT_SECONDS: Final = 1.0


class Cancelled(Exception):
    """Somebody asked for the end of the import."""


class LeaseLost(Exception):
    """Another process took the import over; this one must not touch it any more."""


class Work:
    """An import in progress.

    Attributes:
        phase: queued, reading, checking, files or writing.
        done, total: What the phase counts.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.phase = job.phase
        self.done = job.done
        self.total = job.total
        self._stop: Exception | None = None

    def enter(self, phase: str, total: int) -> None:
        """Begin a phase."""
        self.phase, self.done, self.total = phase, 0, total

    def advance(self, count: int) -> None:
        """Count what was done.

        Raises:
            Cancelled, LeaseLost: If the work must end.
        """
        self.done += count
        self.check()

    def check(self) -> None:
        """Raise what must end the work, if anything.

        Raises:
            Cancelled, LeaseLost: If the work must end.
        """
        if self._stop is not None:
            raise self._stop

    async def hold(self, session: AsyncSession) -> None:
        """Lock the import in the transaction that ends it: a cancellation came before this, or comes too late.

        Raises:
            Cancelled, LeaseLost: If the work must end without that.
        """
        current = await jobs.load_job(session, self.job.project_id, self.job.job_id, lock=True)
        if current is None or current.attempts != self.job.attempts:
            raise LeaseLost
        if current.cancel_requested:
            raise Cancelled

    async def renew(self, database: Database) -> None:
        """Tell the database once how far the work is."""
        async with database.session() as session:
            cancel = await jobs.renew(session, self.job, LEASE, self.phase, self.done, self.total)
        if cancel is None:
            self._stop = LeaseLost()
        elif cancel:
            self._stop = Cancelled()


async def fetch_upload(database: Database, job: Job, path: Path) -> None:
    """Write the uploaded file to *path*."""
    async with database.read_session() as session:
        with path.open("wb") as target:
            async for piece in jobs.read_pieces(session, job):
                target.write(piece)


@asynccontextmanager
async def heartbeat(database: Database, work: Work) -> AsyncIterator[None]:
    """Renew the lease of *work* in the background."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                await work.renew(database)
            except (SQLAlchemyError, OSError) as error:
                # The lease outlives many missed beats; if it runs out, another process takes over.
                logger.warning("heartbeat_failed", error=type(error).__name__)

    task = asyncio.create_task(beat(), name="import heartbeat")
    try:
        yield
    finally:
        await end_task(task)
