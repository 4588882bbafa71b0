"""The jobs that sockets of this process follow: one's own, those of a project, or all of the instance.

A bell says that a job changed, and who follows it reads how it is now. Each look asks the database anew whether its
credential may list these jobs, by what admits the request for that list: nobody is told of a job that they could not
get. Looks of one who follows are :data:`GATHER_SECONDS` apart, however often jobs change, and without a bell
:data:`LOOK_SECONDS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import Permission, authorise, show_projects
from reqtrail.features.collaboration import repository
from reqtrail.features.collaboration.errors import FollowsTooMuch, SignInEnded
from reqtrail.features.collaboration.schemas import Followed
from reqtrail.features.collaboration.service.socket import Socket, problem, tell
from reqtrail.features.collaboration.types import JobsAsked, JobTold, Message
from reqtrail.features.identity.public import TokenInvalid, authenticate
from reqtrail.kit.errors import Forbidden, ReqtrailError
from reqtrail.platform.background import end_task, keep_running
from reqtrail.platform.bells import Bells
from reqtrail.platform.database.engine import Database
from reqtrail.platform.jobs.types import ENDED, INSTANCE

logger = structlog.get_logger()

GATHER_SECONDS: Final = 0.4
LOOK_SECONDS: Final = 3.0
RETRY_SECONDS: Final = 1.0
ASK_SECONDS: Final = 2.0
LOOKS_AT_ONCE: Final = 3
"""Fewer than the connections of the pool, which requests need."""
MOST_FOLLOWED: Final = 4
"""By one socket."""

Listening = dict[UUID, set["Follow"]]
"""Who looks when a bell is rung for a project or a person; for :data:`INSTANCE` those who look whenever one is rung."""


class Follow:
    """What a socket follows."""

    def __init__(
        self, followed: Followed, socket: Socket, database: Database, listening: Listening
    ) -> None:
        self.followed = followed
        self._listening = listening
        self._rung_for: UUID | None = None
        self._socket = socket
        self._database = database
        self._due = asyncio.Event()
        self._known: dict[UUID, JobTold] = {}
        self._refusal: str | None = None
        self._is_told = False

    def hear(self) -> None:
        """Look as soon as it may: a job may have changed."""
        self._due.set()

    def listen(self, rung_for: UUID | None) -> None:
        """Look when bells are rung for *rung_for*, and not when they are for what it was before."""
        if rung_for == self._rung_for:
            return
        if self._rung_for is not None:
            others = self._listening[self._rung_for]
            others.discard(self)
            if not others:
                del self._listening[self._rung_for]
        self._rung_for = rung_for
        if rung_for is not None:
            self._listening.setdefault(rung_for, set()).add(self)

    async def keep_looking(self, turns: asyncio.Semaphore) -> None:
        """Look whenever a job changed, and now and then, until cancelled."""
        while True:
            self._due.clear()
            try:
                async with turns, asyncio.timeout(ASK_SECONDS):
                    await self._look()
            except TokenInvalid as error:
                self._socket.end(SignInEnded(error.detail))
            except ReqtrailError as error:
                self._refuse(error)
            except (SQLAlchemyError, OSError) as error:
                logger.warning("jobs_not_followed", error=type(error).__name__)
                self._due.set()
                await asyncio.sleep(RETRY_SECONDS)
            await asyncio.sleep(GATHER_SECONDS)
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._due.wait()
            except TimeoutError:
                pass

    async def _look(self) -> None:
        live = [job.job_id for job in self._known.values() if job.state not in ENDED]
        async with self._database.read_session() as session:
            asked = await self._admit(session)
            found = await repository.jobs_lately(session, asked, live)
        mailbox = self._socket.mailbox
        mailbox.read_from(await self._database.position())
        if self._is_told:
            changed = {
                job_id: _told(job)
                for job_id, job in found.items()
                if self._known.get(job_id) != job
            }
            mailbox.tell_jobs(self.followed.name, self._following(), changed)
        else:
            # What it shows was read before, so it is read again, and told of from here on.
            mailbox.tell_jobs_anew(self.followed.name, self._following())
        self._known, self._is_told, self._refusal = found, True, None

    async def _admit(self, session: AsyncSession) -> JobsAsked:
        """Return which jobs these are, if the socket's credential may list them now.

        Raises:
            ReqtrailError: If it may not.
        """
        followed, credential = self.followed, self._socket.credential
        if followed.jobs == "project":
            context = await authorise(
                session, credential, followed.project or "", Permission.JOB_RUN
            )
            self.listen(context.project_id)
            return JobsAsked(project_id=context.project_id)
        actor = await authenticate(session, credential)
        if followed.jobs == "own":
            await show_projects(session, actor)
            self.listen(actor.user_id)
            return JobsAsked(author_id=actor.user_id)
        if not actor.is_administrator:
            raise Forbidden("Only an administrator may do this.")
        self.listen(INSTANCE)
        return JobsAsked()

    def _refuse(self, error: ReqtrailError) -> None:
        """Say once that nothing is told any more; whoever is admitted again hears of that."""
        self._known, self._is_told = {}, False
        self._socket.mailbox.forget_jobs(self.followed.name)
        if self._refusal != error.code:
            self._refusal = error.code
            named = {"type": "unfollowed", "jobs": self.followed.jobs}
            tell(self._socket, {**problem(error, self.followed.project), **named})

    def _following(self) -> Message:
        return {
            "type": "following",
            "jobs": self.followed.jobs,
            "project": self.followed.project,
        }


class Follows:
    """All that the sockets of this process follow."""

    def __init__(self, database: Database, bells: Bells) -> None:
        self._database = database
        self._turns = asyncio.Semaphore(LOOKS_AT_ONCE)
        self._listening: Listening = {}
        self._of_socket: dict[str, dict[str, tuple[Follow, asyncio.Task[None]]]] = {}
        bells.listen("progress", self._hear)
        bells.listen("own-progress", self._hear)
        bells.on_connected(self._look)

    def begin(self, socket: Socket, followed: Followed) -> None:
        """Tell *socket* of changes from now on; what it follows already it goes on to follow.

        Raises:
            FollowsTooMuch: If it follows as much as it may.
        """
        own = self._of_socket.setdefault(socket.socket_id, {})
        if followed.name in own:
            return
        if len(own) >= MOST_FOLLOWED:
            raise FollowsTooMuch(f"A socket follows {MOST_FOLLOWED} lists of jobs at most.")
        follow = Follow(followed, socket, self._database, self._listening)
        task = keep_running(lambda: follow.keep_looking(self._turns), "follow-jobs")
        own[followed.name] = follow, task

    async def end(self, socket: Socket, followed: Followed) -> None:
        """Tell *socket* no more of these jobs."""
        found = self._of_socket.get(socket.socket_id, {}).pop(followed.name, None)
        if found is not None:
            await _end([found])
        socket.mailbox.forget_jobs(followed.name)

    async def leave(self, socket_id: str) -> None:
        """End all that a socket follows."""
        await _end(list(self._of_socket.pop(socket_id, {}).values()))

    async def stop(self) -> None:
        """End everything."""
        for socket_id in list(self._of_socket):
            await self.leave(socket_id)

    def _hear(self, rung_for: UUID) -> None:
        for listening in {rung_for, INSTANCE}:
            for follow in self._listening.get(listening, ()):
                follow.hear()

    def _look(self) -> None:
        for own in self._of_socket.values():
            for follow, _ in own.values():
                follow.hear()


async def _end(follows: Sequence[tuple[Follow, asyncio.Task[None]]]) -> None:
    for follow, task in follows:
        task.cancel()  # all of them before anything is waited for, which may be cancelled itself
        follow.listen(None)
    for _, task in follows:
        await end_task(task)


def _told(job: JobTold) -> dict[str, Any]:
    return {"type": "job", "project": job.project, "job": job.shown}
