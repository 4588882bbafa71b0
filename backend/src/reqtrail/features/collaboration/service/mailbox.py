"""What waits to be sent to one socket, bounded however slowly it reads."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from reqtrail.features.collaboration.errors import ReadsTooSlowly
from reqtrail.features.collaboration.types import Message, Told

MOST_REPLIES: Final = 64
MOST_COMMITS: Final = 100
"""Of each project. Beyond it the socket is told that it has a gap, and reads anew what it shows."""
MOST_JOBS: Final = 200
"""Of each list that is followed. Beyond it the socket is told to read the list anew."""


class Mailbox:
    """Messages of one socket that were not sent yet.

    Replies wait in a row. Of commits a row waits for each project, until it grows too long and becomes a gap. Of who is
    there the newest list alone matters, and of a job how it is now.
    """

    def __init__(self) -> None:
        self._replies: deque[Message] = deque()
        self._commits: dict[str, list[Told]] = {}
        self._gaps: dict[str, int] = {}
        self._people: dict[str, Message] = {}
        self._jobs: dict[str, dict[UUID, Message]] = {}
        self._jobs_anew: dict[str, Message] = {}
        self._position: str | None = None
        self._filled = asyncio.Event()

    def reply(self, message: Message) -> None:
        """Send *message*, after the replies before it.

        Raises:
            ReadsTooSlowly: If too many wait already.
        """
        if len(self._replies) >= MOST_REPLIES:
            raise ReadsTooSlowly("Read what was sent before you ask for more.")
        self._replies.append(message)
        self._filled.set()

    def tell_commits(self, project: str, commits: Sequence[Told]) -> None:
        """Send what is told of commits, in their order."""
        if not commits:
            return
        waiting = self._commits.setdefault(project, [])
        if project in self._gaps or len(waiting) + len(commits) > MOST_COMMITS:
            self.tell_gap(project, commits[-1].seq)
            return
        waiting.extend(commits)
        self._filled.set()

    def tell_gap(self, project: str, seq: int) -> None:
        """Send that there are commits up to *seq* which are not told one by one."""
        self._commits.pop(project, None)
        self._gaps[project] = seq
        self._filled.set()

    def read_from(self, position: str | None) -> None:
        """Say with what is told of commits which position reads have to show them from, if there are replicas."""
        self._position = position

    def tell_people(self, project: str, message: Message) -> None:
        """Send who is there, instead of an older list."""
        self._people[project] = message
        self._filled.set()

    def tell_jobs(self, name: str, following: Message, changed: Mapping[UUID, Message]) -> None:
        """Send how jobs of a list are now, or if those are too many *following*, after which the list is read anew."""
        if not changed or name in self._jobs_anew:
            return
        waiting = self._jobs.setdefault(name, {})
        waiting.update(changed)
        if len(waiting) > MOST_JOBS:
            self.tell_jobs_anew(name, following)
        self._filled.set()

    def tell_jobs_anew(self, name: str, following: Message) -> None:
        """Send *following*, after which the list is read anew."""
        self._jobs.pop(name, None)
        self._jobs_anew[name] = following
        self._filled.set()

    def forget_jobs(self, name: str) -> None:
        """Drop what waits of a list of jobs."""
        self._jobs.pop(name, None)
        self._jobs_anew.pop(name, None)

    def forget(self, project: str) -> None:
        """Drop what waits of a project."""
        for kept in (self._commits, self._gaps, self._people):
            kept.pop(project, None)

    async def take(self) -> list[Message]:
        """Wait until there is something, and return all that there is."""
        await self._filled.wait()
        self._filled.clear()
        taken = list(self._replies)
        at = {} if self._position is None else {"position": self._position}
        taken += [
            {"type": "gap", "project": project, "seq": seq, **at}
            for project, seq in self._gaps.items()
        ]
        for project, commits in self._commits.items():
            taken += [{**_commit(project, told), **at} for told in commits]
        taken += self._people.values()
        taken += [{**following, **at} for following in self._jobs_anew.values()]
        for changed in self._jobs.values():
            taken += [{**message, **at} for message in changed.values()]
        self._replies.clear()
        for kept in (self._gaps, self._commits, self._people, self._jobs, self._jobs_anew):
            kept.clear()
        return taken


def _commit(project: str, told: Told) -> Message:
    return {
        "type": "commit",
        "project": project,
        "seq": told.seq,
        "branch": {"id": told.branch_id, "name": told.branch},
        "kind": told.kind,
        "author": {"id": told.author_id, "display_name": told.author},
        "recorded_at": told.recorded_at,
    }
