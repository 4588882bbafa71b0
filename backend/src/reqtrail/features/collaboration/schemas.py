"""The messages that a socket may send."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter, model_validator

from reqtrail.features.collaboration.types import Place
from reqtrail.platform.http import Body

ProjectKey = Annotated[str, Field(max_length=100, pattern="^[^\\x00]+$")]


class Hello(Body):
    """Who the socket is of: the first message. A token in an address would stand in logs."""

    type: Literal["hello"]
    token: Annotated[str, Field(max_length=4096)]


class Watch(Body):
    """Ask to be told of a project's commits and people; ``since`` is the newest commit that is known already."""

    type: Literal["watch"]
    project: ProjectKey
    since: Annotated[int | None, Field(ge=0, lt=2**53)] = None


class Unwatch(Body):
    """Ask to be told of a project no more."""

    type: Literal["unwatch"]
    project: ProjectKey


class Here(Body):
    """Say where one is in a watched project. Whoever never says it is seen by nobody."""

    type: Literal["here"]
    project: ProjectKey
    document: UUID | None = None
    item: UUID | None = None
    attribute: UUID | None = None

    @property
    def place(self) -> Place:
        """Where that is."""
        return Place(self.document, self.item, self.attribute)


class Away(Body):
    """Be seen in a watched project no more, and go on being told of it."""

    type: Literal["away"]
    project: ProjectKey


class Followed(Body):
    """Jobs that are listed together: ``own`` in all projects, those of a ``project``, all of the ``instance``."""

    jobs: Literal["own", "project", "instance"]
    project: ProjectKey | None = None

    @model_validator(mode="after")
    def _check(self) -> Followed:
        if (self.project is not None) != (self.jobs == "project"):
            raise ValueError("name a project to follow the jobs of a project, and else none")
        return self

    @property
    def name(self) -> str:
        """What tells it from other lists of the socket."""
        return f"{self.jobs} {self.project or ''}"


class Follow(Followed):
    """Ask to be told how these jobs get on. ``following`` says that what is read from then on is kept up to date."""

    type: Literal["follow"]


class Unfollow(Followed):
    """Ask to be told of these jobs no more."""

    type: Literal["unfollow"]


class Ping(Body):
    """Ask for ``pong``: a browser has no other way to learn whether the connection still lives."""

    type: Literal["ping"]


Incoming = Hello | Watch | Unwatch | Here | Away | Follow | Unfollow | Ping
INCOMING: Final[TypeAdapter[Incoming]] = TypeAdapter(
    Annotated[Incoming, Field(discriminator="type")]
)
