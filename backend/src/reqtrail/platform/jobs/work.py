"""One attempt of a job: its lease, its progress, its cancellation, and the file that it makes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.platform.background import end_task
from reqtrail.platform.database.engine import Database, after_commit
from reqtrail.platform.database.scope import of_project
from reqtrail.platform.jobs import claiming
from reqtrail.platform.jobs.changes import note_changed
from reqtrail.platform.jobs.types import LEASE, Job, JobStatus, Run
from reqtrail.platform.settings import Settings

logger = structlog.get_logger()

HEARTBEAT_SECONDS: Final = 2.0
PROGRESS_SECONDS: Final = 0.5
"""How often progress is written at most, while there is any."""
PIECE_BYTES: Final = 1_000_000


class Cancelled(Exception):
    """Somebody asked for the end of the job."""


class LeaseLost(Exception):
    """The job is no longer this worker's, which must not touch it any more."""


class TryAgain(Exception):
    """What the job needs is away at the moment: it is tried again later.

    Args:
        detail: A sentence that says what.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Work:
    """An attempt in progress, as the function of its kind sees it.

    Attributes:
        database: The database, in which a transaction reaches nothing until it is opened for somebody.
        own: The same, within the project of the job as the instance itself.
    """

    def __init__(self, database: Database, settings: Settings, job: Job) -> None:
        self.database = database
        self.settings = settings
        self.own = database.within(of_project(job.project_id))
        self.job = job
        self.lease: timedelta = LEASE
        self.phase, self.done, self.total = "running", 0, 0
        self._written = self._progress
        self.settled = self._ends = False
        self._stop: Exception | None = None
        self._gathered = bytearray()
        self._pieces = self._size = 0
        self._file: dict[str, Any] = {}

    @property
    def _progress(self) -> tuple[str, int, int]:
        return self.phase, self.done, self.total

    def enter(self, phase: str, total: int = 0) -> None:
        """Begin a phase that counts up to *total*; 0 if nobody knows."""
        self.phase, self.done, self.total = phase, 0, total
        self.check()

    def advance(self, count: int = 1) -> None:
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

    async def write(self, data: bytes) -> None:
        """Add to the file that can be fetched as the result, once the job is done."""
        self._gathered += data
        if len(self._gathered) >= PIECE_BYTES:
            await self._flush()

    async def name_file(self, file_name: str, media_type: str) -> None:
        """End the file and say what it is called and of which type it is."""
        self._file = {"file_name": file_name, "media_type": media_type}
        await self._flush()

    async def _flush(self) -> None:
        self.check()
        if not self._gathered:
            return
        async with self.own.session() as session:
            await claiming.store_piece(session, self.job, self._pieces, bytes(self._gathered))
        self._pieces += 1
        self._size += len(self._gathered)
        self._gathered.clear()

    async def hold(self, session: AsyncSession) -> None:
        """Lock the job in the transaction that is to end it: a cancellation came before this, or comes too late.

        Raises:
            Cancelled, LeaseLost: If the work must end without that.
        """
        self._go_on(await claiming.hold(session, self.job))
        self._ends = True

    async def keep(self, session: AsyncSession) -> None:
        """Extend the lease within *session*, with how far the work is by then: what it writes and that go together.

        Raises:
            Cancelled, LeaseLost: If the work must end; the transaction must be undone.
        """
        self._go_on(
            await claiming.renew(session, self.job, self.lease, self.phase, self.done, self.total)
        )

    @staticmethod
    def _go_on(cancelled: bool | None) -> None:
        if cancelled is None:
            raise LeaseLost
        if cancelled:
            raise Cancelled

    async def complete(
        self, session: AsyncSession, result: Mapping[str, Any] | None = None
    ) -> None:
        """Say within *session* that the job is done: what else that transaction does happens once, or not at all.

        Raises:
            LeaseLost: If the job is no longer this worker's; the transaction must be undone.
        """
        self._ends = True
        if not await claiming.settle(
            session,
            self.job,
            JobStatus.DONE,
            result=self.end(result).result,
            error=None,
            phase="done",
            done=self.done,
            total=self.total,
        ):
            raise LeaseLost
        after_commit(session, self._note_settled)

    async def _note_settled(self) -> None:
        self.settled = True

    def end(self, result: Mapping[str, Any] | None) -> claiming.End:
        """Return what is to be said of the job once it is done."""
        file = {**self._file, "size": self._size} if self._file else {}
        return claiming.End(self.job, {**(result or {}), **file}, self.done, self.total)

    async def renew(self) -> None:
        """Extend the lease, tell how far the work is, and learn whether it is to end."""
        now = self._progress
        async with self.own.session() as session:
            cancel = await claiming.renew(session, self.job, self.lease, *now)
            if now != self._written:
                note_changed(session, [self.job])
        self._written = now
        if cancel is None:
            # This may have waited for the transaction that ends the job.
            if not self._ends:
                self._stop = LeaseLost()
        elif cancel:
            self._stop = Cancelled()

    async def attempt(self, run: Run, limit: timedelta) -> Mapping[str, Any] | None:
        """Do the work while its lease is renewed; work that must end and does not look is cancelled.

        Raises:
            Cancelled, LeaseLost: If it had to end.
            TimeoutError: If it took longer than *limit*.
        """
        doing = asyncio.create_task(run(self), name=self.job.kind)
        beating: list[asyncio.Task[None]] = []

        def begin_to_beat() -> None:
            beating.append(asyncio.create_task(self._beat(doing), name="job heartbeat"))

        # Most jobs end before the first beat.
        first = asyncio.get_running_loop().call_later(PROGRESS_SECONDS, begin_to_beat)
        try:
            async with asyncio.timeout(limit.total_seconds()):
                return await doing
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if self._stop is None or (current is not None and current.cancelling()):
                raise
            raise self._stop from None
        finally:
            first.cancel()
            for task in (*beating, doing):
                await end_task(task)

    async def _beat(self, doing: asyncio.Task[Any]) -> None:
        """Renew the lease when it is due, and sooner if the work got on."""
        renewed = time.monotonic() - PROGRESS_SECONDS
        while True:
            is_due = time.monotonic() - renewed >= HEARTBEAT_SECONDS
            if is_due or self._progress != self._written:
                renewed = time.monotonic()
                await self._try_to_renew()
            if self._stop is not None:
                doing.cancel()
                return
            await asyncio.sleep(PROGRESS_SECONDS)

    async def _try_to_renew(self) -> None:
        try:
            await self.renew()
        except (SQLAlchemyError, OSError) as error:
            # The lease outlives several missed beats; if it runs out, another worker takes over.
            logger.warning("job_heartbeat_failed", error=type(error).__name__)
