"""The messages that a socket may send."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

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


class Ping(Body):
    """Ask for ``pong``: a browser has no other way to learn whether the connection still lives."""

    type: Literal["ping"]


Incoming = Hello | Watch | Unwatch | Here | Away | Ping
INCOMING: Final[TypeAdapter[Incoming]] = TypeAdapter(
    Annotated[Incoming, Field(discriminator="type")]
)
