"""The part of a worker that does jobs: several at once, woken by a bell, and by a slow poll without one."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from time import perf_counter
from typing import Any, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from reqtrail.kit.errors import ReqtrailError, Unavailable
from reqtrail.platform.background import end_task
from reqtrail.platform.database.engine import Database
from reqtrail.platform.database.scope import of_project, of_task
from reqtrail.platform.jobs import claiming, sweeping
from reqtrail.platform.jobs.ending import Endings
from reqtrail.platform.jobs.queue import find_job
from reqtrail.platform.jobs.registry import kind_of, tell_ended
from reqtrail.platform.jobs.types import ENDED, LEASE, Job, JobStatus
from reqtrail.platform.jobs.work import Cancelled, LeaseLost, TryAgain, Work
from reqtrail.platform.metrics import JOB_ATTEMPTS, note_job
from reqtrail.platform.settings import Settings
from reqtrail.platform.telemetry.tracing import continued_from

logger = structlog.get_logger()

AT_ONCE: Final = 4
"""Jobs that one worker does at a time: most of them wait for PostgreSQL most of the time."""
AGED_EVERY: Final = 4
"""Every how many turns of a worker go to what has waited for longer than ``claiming.AGED``, whatever its priority."""
POLL_SECONDS: Final = 1.0
"""How often an idle worker looks without having been woken: all there is while Redis is away."""
SWEEP_SECONDS: Final = 2.0
GATHER_SECONDS: Final = 0.003
QUICK_SECONDS: Final = 0.05
"""A kind whose jobs took less of late is quick: a worker takes some of them ahead, while many wait."""
AHEAD: Final = 28
AHEAD_SECONDS: Final = 1.0
"""After this, jobs that were taken ahead and not begun are given back."""
MOST_ENDING: Final = 100
STOP_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 2.0
FIRST_WAIT: Final = 2.0
"""Seconds before the second attempt, on average; each further wait is twice as long."""

Error = dict[str, Any]


class Runner:
    """Does jobs until it is cancelled.

    Args:
        lease: How long another worker waits for a sign of life; tests make it short.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        at_once: int = AT_ONCE,
        lease: timedelta = LEASE,
    ) -> None:
        self._database = database
        self._claiming = database.within(claiming.open_claiming)
        self._settings = settings
        self._at_once = at_once
        self._lease = lease
        self._woken = asyncio.Event()
        self._running: dict[asyncio.Task[None], Job] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._endings = Endings(self._claiming)
        self._ahead: deque[Job] = deque()
        self._ahead_since = 0.0
        self._pace: dict[str, float] = {}
        self._turns = 0
        self._swept = -SWEEP_SECONDS
        self._more = False

    def wake(self) -> None:
        """Look for jobs at once: one was queued somewhere, or one of those under way has ended."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled; jobs under way are then given up, and taken up by the next worker at once."""
        try:
            while True:
                try:
                    await self._round()
                except (SQLAlchemyError, OSError) as error:
                    logger.warning("jobs_wait_for_database", error=type(error).__name__)
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            await self._stop()

    async def _stop(self) -> None:
        ahead, running = list(self._ahead), list(self._running)
        self._ahead.clear()
        for task in running:
            await end_task(task)
        if self._ending:
            await asyncio.wait(self._ending, timeout=STOP_SECONDS)
        await self._endings.stop()
        for task in list(self._ending):
            await end_task(task)
        try:
            await self._give_back(ahead)
        except (SQLAlchemyError, OSError) as error:
            logger.warning("jobs_not_given_back", error=type(error).__name__, count=len(ahead))

    async def _give_back_late(self) -> None:
        late = list(self._ahead)
        # No hand may begin one of them meanwhile.
        self._ahead.clear()
        try:
            await self._give_back(late)
            late = []
        finally:
            self._ahead.extend(late)

    async def _give_back(self, ahead: list[Job]) -> None:
        if ahead:
            async with self._claiming.session() as session:
                for job in ahead:
                    await claiming.put_back(session, job, timedelta(), None, spared=True)

    async def run_waiting(self) -> int:
        """Do what is due, one after the other, and return how many that were: for tests and tools."""
        count = 0
        while found := await self._claim(1):
            await self._do(found[0])
            count += 1
        return count

    async def _round(self) -> None:
        self._woken.clear()
        loop = asyncio.get_running_loop()
        if loop.time() - self._swept >= SWEEP_SECONDS:
            self._swept = loop.time()
            await self.sweep()
        if self._ahead and loop.time() - self._ahead_since >= AHEAD_SECONDS:
            # The hands are at something slower than was thought: others may have these.
            await self._give_back_late()
        if self._more:
            # Where many small jobs wait, others end in a moment: one question serves them all.
            await asyncio.sleep(GATHER_SECONDS)
        free = self._at_once - len(self._running)
        if free and not self._ahead:
            found = await self._take(free)
            free = self._at_once - len(self._running)
            # What is not long may wait behind more of the long ones than were offered.
            if free and (self._woken.is_set() or any(kind_of(job.kind).long for job in found)):
                return
        try:
            # A worker with nothing free waits for one of its own to end.
            async with asyncio.timeout(AHEAD_SECONDS if self._ahead else POLL_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _take(self, free: int) -> list[Job]:
        """Begin what the free hands can, and keep what is quick for those that are free in a moment."""
        quick = {
            kind
            for kind, seconds in self._pace.items()
            if seconds < QUICK_SECONDS and not kind_of(kind).long
        }
        found = await self._claim(free, ahead=AHEAD if self._more else 0, quick=quick)
        self._more = len(found) >= free
        found.sort(key=lambda job: job.attempts == 1 and job.kind in quick)
        # Others may have ended meanwhile.
        free = self._at_once - len(self._running)
        self._ahead.extend(found[free:])
        self._ahead_since = asyncio.get_running_loop().time()
        for job in found[:free]:
            self._begin(job)
        return found

    def _begin(self, job: Job) -> None:
        task = asyncio.create_task(self._do(job), name="job")
        self._running[task] = job
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._ending.discard(task)
        self._let_go(task)

    def _let_go(self, task: asyncio.Task[None]) -> None:
        """Have the hand of *task* take the next job."""
        if self._running.pop(task, None) is None:
            return
        held = asyncio.get_running_loop().time() - self._ahead_since
        # What was held for long, since the database did not answer, may be another worker's by now.
        if self._ahead and held < self._lease.total_seconds() / 2:
            self._begin(self._ahead.popleft())
        else:
            self.wake()

    async def sweep(self) -> None:
        """Give the jobs of workers that died to the others."""
        async with self._claiming.session() as session:
            swept = await sweeping.sweep(session)
        for job in swept:
            logger.warning("job_worker_lost", **_names(job), state=job.state)
            note_job(job.kind, "lost")
            if job.state is JobStatus.DEAD:
                note_job(job.kind, "dead")
            if job.state in ENDED:
                await self._tell_swept(job)

    async def _tell_swept(self, job: Job) -> None:
        """Have the feature follow the end of a job, unless somebody has repeated it already."""
        async with self._database.within(of_project(job.project_id)).session() as session:
            now = await find_job(session, job.project_id, job.job_id, lock=True)
            if now is not None and (now.state, now.attempts) == (job.state, job.attempts):
                await tell_ended(session, job)

    async def _claim(self, count: int, *, ahead: int = 0, quick: Collection[str] = ()) -> list[Job]:
        long = sum(kind_of(job.kind).long for job in self._running.values())
        async with self._claiming.session() as session:
            found = await claiming.claim(
                session,
                self._lease,
                count,
                most_long=max(1, self._at_once - 1) - long,
                aged_first=self._turns % AGED_EVERY == AGED_EVERY - 1,
                ahead=ahead,
                quick=quick,
            )
        self._turns += bool(found)
        return found

    async def _do(self, job: Job) -> None:
        log = logger.bind(**_names(job))
        JOB_ATTEMPTS.labels(job.kind).inc()
        work, began = Work(self._database, self._settings, job), perf_counter()
        work.lease = self._lease
        kind = kind_of(job.kind)
        try:
            with continued_from(job.trace_parent, job.kind):
                result = await work.attempt(kind.run, kind.limit)
            self._note_pace(job.kind, perf_counter() - began)
            if not work.settled:
                await self._complete(work, result)
            outcome = "done"
        except asyncio.CancelledError:
            # This worker is to end: the next one takes the job up at once, and nothing is held against it.
            await self._give_up(work)
            raise
        except LeaseLost:
            outcome = "lost"
        except Cancelled:
            outcome = await self._settle(work, JobStatus.CANCELLED, None)
        except Unavailable as error:
            # No refusal: what is away comes back, and a transaction in doubt is done once, with the end of the job.
            outcome = await self._after(work, error)
        except ReqtrailError as error:
            failed = {**error.extra, "code": error.code, "detail": error.detail}
            outcome = await self._settle(work, JobStatus.FAILED, failed)
        except Exception as error:  # the outermost place of a job
            outcome = await self._after(work, error)
        log.info("job_ended", outcome=outcome, seconds=round(perf_counter() - began, 3))
        note_job(job.kind, outcome, perf_counter() - began)

    async def _complete(self, work: Work, result: Mapping[str, Any] | None) -> None:
        """Say that a job is done; while many wait, the hand goes on meanwhile."""
        task = asyncio.current_task()
        if self._more and task in self._running and len(self._ending) < MOST_ENDING:
            self._ending.add(task)
            self._let_go(task)
        # What an attempt before left behind goes with the end of a later one.
        if work.job.attempts == 1 and await self._endings.done(work.end(result)):
            work.settled = True
            return
        async with work.own.session() as session:
            await work.complete(session, result)

    def _note_pace(self, kind: str, seconds: float) -> None:
        self._pace[kind] = 0.8 * self._pace.get(kind, seconds) + 0.2 * seconds

    async def _after(self, work: Work, error: Exception) -> str:
        """Try a job again that met what may pass, unless it was the last time."""
        job, log = work.job, logger.bind(**_names(work.job))
        if work.settled:
            log.error("job_failed_after_its_end", exc_info=error)
            return "done"
        if isinstance(error, TimeoutError):
            said = {"code": "job_timed_out", "detail": "One attempt took longer than it may."}
        elif isinstance(error, TryAgain):
            said = {"code": "job_waits", "detail": error.detail}
        elif isinstance(error, (SQLAlchemyError, OSError, Unavailable)):
            said = {"code": "job_interrupted", "detail": "The database or the disk did not answer."}
        else:
            said = {
                "code": "job_crashed",
                "detail": "The job met an error of Reqtrail's own; it is in the server's log.",
            }
        tell = log.error if said["code"] == "job_crashed" else log.warning
        tell("job_interrupted", code=said["code"], exc_info=error)
        if job.attempts >= job.most_attempts:
            return await self._settle(work, JobStatus.DEAD, said)
        return await self._put_back(work, wait_after(job.attempts), said)

    async def _settle(self, work: Work, state: JobStatus, error: Error | None) -> str:
        job = replace(work.job, phase=work.phase, done=work.done, total=work.total)
        try:
            async with work.own.session() as session:
                ours = await claiming.settle(
                    session,
                    job,
                    state,
                    error=error,
                    phase=state.value,
                    done=job.done,
                    total=job.total,
                )
        except (SQLAlchemyError, OSError) as failure:
            # Its lease runs out, and it is swept up like that of a worker that died.
            logger.warning("job_not_settled", **_names(work.job), error=type(failure).__name__)
            return "lost"
        return state.value if ours else "lost"

    async def _put_back(
        self, work: Work, wait: timedelta, error: Error | None, *, spared: bool = False
    ) -> str:
        try:
            async with work.own.session() as session:
                ours = await claiming.put_back(session, work.job, wait, error, spared=spared)
        except (SQLAlchemyError, OSError) as failure:
            logger.warning("job_not_settled", **_names(work.job), error=type(failure).__name__)
            return "lost"
        return "repeated" if ours else "lost"

    async def _give_up(self, work: Work) -> None:
        if not work.settled:
            await self._put_back(work, timedelta(), None, spared=True)


async def queued_jobs(database: Database) -> dict[str, tuple[int, float]]:
    """Return of each kind how many jobs are due, and for how many seconds the oldest has been."""
    async with database.within(of_task("jobs")).read_session() as session:
        return await claiming.waiting(session)


def wait_after(attempts: int) -> timedelta:
    """Return how long a job waits after so many attempts: longer each time, and not all of them equally long."""
    seconds = min(FIRST_WAIT * 2.0 ** (attempts - 1), claiming.LONGEST_WAIT)
    return timedelta(seconds=seconds * random.uniform(0.5, 1.5))  # nosec B311 - no secret


def _names(job: Job) -> dict[str, Any]:
    return {"job": str(job.job_id), "kind": job.kind, "attempt": job.attempts}
