"""What goes over the sockets of a project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, Protocol
from uuid import UUID

Message = Mapping[str, Any]
"""A message as it is sent: an object with a ``type``."""


class CloseCode(IntEnum):
    """Why the server closes a socket (RFC 6455, 7.4; from 4000 on they are an application's own)."""

    TRY_AGAIN = 1013
    """The database cannot be asked whether the socket may stay."""
    BAD_MESSAGE = 4400
    SIGN_IN_ENDED = 4401
    TOO_SLOW = 4408
    """It did not say who it is in time, or did not read what was sent."""
    TOO_MUCH = 4429
    """Too many sockets of one account, or messages of one socket."""


@dataclass(frozen=True)
class Place:
    """Where somebody is in a project.

    Attributes:
        attribute: What they are editing there, if anything: an attribute's id.
    """

    document: UUID | None = None
    item: UUID | None = None
    attribute: UUID | None = None


@dataclass(frozen=True)
class Presence:
    """Somebody who looks at a project.

    Attributes:
        socket: The tab that they do it in.
    """

    socket: str
    user_id: UUID
    name: str
    place: Place


@dataclass(frozen=True)
class Told:
    """What is told of a commit: enough to know what to read anew, and whose doing it was."""

    seq: int
    branch_id: UUID
    branch: str
    kind: str
    author_id: UUID
    author: str
    recorded_at: datetime


@dataclass(frozen=True)
class JobsAsked:
    """Which jobs are listed; None is any."""

    project_id: UUID | None = None
    author_id: UUID | None = None


@dataclass(frozen=True)
class JobTold:
    """What is told of a job: where it stands. What came of it, and what it met, is read as always.

    Attributes:
        project: The key of its project; None for one of the instance.
    """

    job_id: UUID
    project: str | None
    kind: str
    state: str
    phase: str
    done: int
    total: int
    attempts: int
    most_attempts: int
    cancel_requested: bool
    run_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def shown(self) -> dict[str, Any]:
        """This as JSON shows it."""
        values = asdict(self)
        return {"id": values.pop("job_id"), **values}


class Disconnected(Exception):
    """The other side is gone."""


class Transport(Protocol):
    """A connection that carries texts."""

    async def receive(self) -> str:
        """Return the next text.

        Raises:
            Disconnected: If there will be none.
        """

    async def send(self, text: str) -> None:
        """Send a text, when the other side has room for it.

        Raises:
            Disconnected: If it is gone.
        """

    async def close(self, code: int, reason: str) -> None:
        """Close the connection; one that is closed already stays so."""
