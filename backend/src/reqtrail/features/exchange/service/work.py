"""An import that a worker works on: the record of it, and the attempt of its job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.repository import jobs
from reqtrail.features.exchange.types import Job
from reqtrail.platform.database.engine import Database
from reqtrail.platform.jobs.work import Work as Attempt


class Work:
    """An import in progress.

    Attributes:
        job: The import.
    """

    def __init__(self, job: Job, attempt: Attempt) -> None:
        self.job = job
        self._attempt = attempt

    @property
    def phase(self) -> str:
        """reading, checking, files or writing."""
        return self._attempt.phase

    def enter(self, phase: str, total: int) -> None:
        """Begin a phase that counts up to *total*.

        Raises:
            Cancelled, LeaseLost: If the work must end.
        """
        self._attempt.enter(phase, total)

    def advance(self, count: int) -> None:
        """Count what was done.

        Raises:
            Cancelled, LeaseLost: If the work must end.
        """
        self._attempt.advance(count)

    def check(self) -> None:
        """Raise what must end the work, if anything.

        Raises:
            Cancelled, LeaseLost: If the work must end.
        """
        self._attempt.check()

    async def keep(self, session: AsyncSession) -> None:
        """Tell within *session* how far the work is, so that what it writes and that go together.

        Raises:
            Cancelled, LeaseLost: If the work must end; the transaction must be undone.
        """
        await self._attempt.keep(session)

    async def rest(self, session: AsyncSession, result: dict[str, Any], **values: Any) -> None:
        """Bring the import to rest within *session*, and its job to its end, unless that was cancelled before.

        Args:
            result: What lists of jobs show.
            values: What becomes of the record.

        Raises:
            Cancelled, LeaseLost: If the work must end without that; the transaction must be undone.
        """
        await self._attempt.hold(session)
        await jobs.update_job(
            session,
            self.job,
            phase="done",
            done=self._attempt.done,
            total=self._attempt.total,
            **values,
        )
        await self._attempt.complete(session, result)


async def fetch_upload(database: Database, job: Job, path: Path) -> None:
    """Write the uploaded file to *path*."""
    async with database.read_session() as session:
        with path.open("wb") as target:
            async for piece in jobs.read_pieces(session, job):
                target.write(piece)
