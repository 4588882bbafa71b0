"""The projects that sockets of this process watch, each with one reader of its commit log.

The log is the queue: a room remembers how far it has read and reads on when a bell rings, and every few seconds without
one. So commits are told in order, each once, and a lost bell costs those seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from reqtrail.features.access.public import Permission, ProjectContext
from reqtrail.features.collaboration import repository
from reqtrail.features.collaboration.service.mailbox import MOST_COMMITS, Mailbox
from reqtrail.features.collaboration.service.presence import PresenceBoard, shown_to
from reqtrail.features.collaboration.types import Message
from reqtrail.features.versioning.public import last_sequence
from reqtrail.platform.background import end_task, keep_running
from reqtrail.platform.bells import Bells
from reqtrail.platform.database.engine import Database
from reqtrail.platform.database.scope import of_project

logger = structlog.get_logger()

LOOK_SECONDS: Final = 3.0
"""How often the log is looked at without a bell."""
RETRY_SECONDS: Final = 1.0
PEOPLE_SECONDS: Final = 1.0
"""How often people are told of at most: each round is a message to everybody about everybody."""
TRUST_SECONDS: Final = 5.0
"""How long a check holds."""


class Watch:
    """A project that a socket watches.

    Attributes:
        context: The project as whoever watches may see it, as it was found last.
        checked_at: When that was.
        seq: The newest commit that was told; None until the watch has begun.
        people: What was told last of who is there.
    """

    def __init__(self, context: ProjectContext, mailbox: Mailbox) -> None:
        self.context = context
        self.mailbox = mailbox
        self.checked_at = time.monotonic()
        self.seq: int | None = None
        self.people: Message | None = None

    @property
    def key(self) -> str:
        """The project's key, by which the socket calls it."""
        return self.context.key

    @property
    def is_trusted(self) -> bool:
        """Whether it was checked so lately that it may be told anything."""
        return time.monotonic() - self.checked_at < TRUST_SECONDS

    @property
    def sees_people(self) -> bool:
        """Whether it is told who else is there."""
        return self.context.may(Permission.MEMBER_READ)


class Room:
    """The watches of one project in this process."""

    def __init__(self, project_id: UUID, database: Database, board: PresenceBoard) -> None:
        self.project_id = project_id
        self.watches: set[Watch] = set()
        self._database = database.within(of_project(project_id))
        self._board = board
        self._commits = asyncio.Event()
        self._people = asyncio.Event()
        self._shown: dict[bytes, Message] = {}
        self._tasks = (
            keep_running(partial(_at_each, self._commits, self._tell_commits), "room-commits"),
            keep_running(partial(_at_each, self._people, self._tell_people), "room-people"),
        )

    async def enter(self, watch: Watch, since: int | None) -> int:
        """Begin to tell *watch* of what comes after *since*, or after now; return the newest sequence."""
        self.watches.add(watch)
        async with self._database.read_session() as session:
            newest = await last_sequence(session, self.project_id)
        watch.seq = newest
        if since is not None and since != newest:
            if newest - MOST_COMMITS <= since < newest:
                watch.seq = since
            else:
                watch.mailbox.read_from(await self._database.position())
                watch.mailbox.tell_gap(watch.key, newest)
        self._commits.set()
        self._people.set()
        return newest

    def leave(self, watch: Watch) -> None:
        """Tell *watch* no more."""
        self.watches.discard(watch)

    def hear_commits(self) -> None:
        """Read on: there may be commits."""
        self._commits.set()

    def hear_people(self) -> None:
        """Look again who is there."""
        self._people.set()

    async def close(self) -> None:
        """End reading."""
        for task in self._tasks:
            task.cancel()  # all of them before anything is waited for, which may be cancelled itself
        for task in self._tasks:
            await end_task(task)

    async def _tell_commits(self) -> None:
        # Who waits to be checked is told later, from where they are.
        begun = {
            watch: watch.seq for watch in self.watches if watch.seq is not None and watch.is_trusted
        }
        if not begun:
            return
        async with self._database.read_session() as session:
            newest = await last_sequence(session, self.project_id)
            # Of more than a mailbox takes there is no need to read them.
            first = max(min(begun.values()), newest - MOST_COMMITS)
            if newest <= first:
                return
            found = await repository.commits_between(session, self.project_id, first, newest)
        position = await self._database.position()
        for watch, seq in begun.items():
            if watch not in self.watches:
                continue
            watch.mailbox.read_from(position)
            if seq < first:
                watch.mailbox.tell_gap(watch.key, newest)
            else:
                watch.mailbox.tell_commits(watch.key, [told for told in found if told.seq > seq])
            watch.seq = newest

    async def _tell_people(self) -> None:
        people = await self._board.people(self.project_id)
        shown: dict[bytes, Message] = {}
        for watch in self.watches:
            if not watch.sees_people or not watch.is_trusted:
                continue
            withheld = watch.context.withheld
            message = shown.get(withheld.mark)
            if message is None:
                message = shown_to(people, watch.key, withheld)
                before = self._shown.get(withheld.mark)
                message = shown[withheld.mark] = before if before == message else message
            if watch.people is not message:
                watch.people = message
                watch.mailbox.tell_people(watch.key, message)
        self._shown = shown
        await asyncio.sleep(PEOPLE_SECONDS)


class Rooms:
    """All rooms of this process."""

    def __init__(self, database: Database, bells: Bells, board: PresenceBoard) -> None:
        self._database = database
        self._board = board
        self._rooms: dict[UUID, Room] = {}
        self._looking: asyncio.Task[None] | None = None
        bells.listen("commits", self._hear_commits)
        bells.listen("presence", self._hear_people)
        bells.on_connected(self._look)

    def __iter__(self) -> Iterator[Room]:
        """Iterate over a copy: rooms come and go."""
        return iter(list(self._rooms.values()))

    def start(self) -> None:
        """Begin to look at the log now and then."""
        self._looking = keep_running(self._keep_looking, "rooms")

    async def stop(self) -> None:
        """Close all rooms."""
        if self._looking is not None:
            await end_task(self._looking)
        for room in self:
            await room.close()
        self._rooms.clear()

    def of(self, project_id: UUID) -> Room:
        """Return the room of a project, opened at need."""
        if project_id not in self._rooms:
            self._rooms[project_id] = Room(project_id, self._database, self._board)
        return self._rooms[project_id]

    async def leave(self, watch: Watch) -> None:
        """Have *watch* told no more, and close its room behind the last one."""
        room = self._rooms.get(watch.context.project_id)
        if room is None:
            return
        room.leave(watch)
        if not room.watches:
            del self._rooms[room.project_id]
            await room.close()

    def _hear_commits(self, project_id: UUID) -> None:
        if project_id in self._rooms:
            self._rooms[project_id].hear_commits()

    def _hear_people(self, project_id: UUID) -> None:
        if project_id in self._rooms:
            self._rooms[project_id].hear_people()

    def _look(self) -> None:
        for room in self:
            room.hear_commits()
            room.hear_people()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._look()


async def _at_each(event: asyncio.Event, work: Callable[[], Awaitable[None]]) -> None:
    """Do *work* whenever *event* was set, again and again until it succeeds."""
    while True:
        await event.wait()
        event.clear()
        try:
            await work()
        except (SQLAlchemyError, OSError) as error:
            logger.warning("room_waits_for_database", error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
            event.set()
