"""What is left out of reads for those who may not read everything: how each versioned table takes part.

The engine knows no requirement field. The feature that owns a table says here what of its rows can be read when
something is withheld; a table of which nobody said anything cannot be read then at all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Table, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Uuid

from reqtrail.features.access.public import Withheld
from reqtrail.features.versioning.types import Content, Kind, Snapshot


class Reading(Enum):
    """What of a table that knows no documents and no values can be read when something is withheld."""

    OPEN = "open"
    """Everything."""
    NAMED = "named"
    """What is asked for by name; comparisons and histories leave it out."""
    WHOLE = "whole"
    """Nothing."""


@dataclass(frozen=True)
class Guard:
    """What of a table can be read when something is withheld.

    Attributes:
        conditions: Given the visible rows and the snapshot, says which of them are there.
        columns: Given the same, says what takes the place of columns, by name.
    """

    conditions: Callable[[FromClause, Snapshot], list[ColumnElement[bool]]]
    columns: Callable[[FromClause, Snapshot], Mapping[str, ColumnElement[Any]]]


@dataclass(frozen=True)
class Traces:
    """Where in the history something that is withheld has left traces.

    Attributes:
        commits: Given a project, what is withheld and sequences: those of commits that wrote any of it. What people
            said of them is not told.
        entities: Given a project, what is withheld and entities of a kind: those that were ever part of it. What they
            were at other times is not told.
    """

    commits: Callable[[AsyncSession, UUID, Withheld, Collection[int]], Awaitable[set[int]]]
    entities: Callable[[AsyncSession, UUID, Withheld, str, Collection[UUID]], Awaitable[set[UUID]]]


_readings: dict[str, Reading | Guard] = {}
_traces: list[Traces] = []


def register_reading(table: Table, reading: Reading | Guard) -> None:
    """Say what of a versioned *table* can be read when something is withheld."""
    _readings[table.name] = reading


def register_traces(traces: Traces) -> None:
    """Make *traces* what tells where something withheld was written."""
    _traces[:] = [traces]


def reading_of(table: Table) -> Reading | Guard:
    """Return what of *table* can be read when something is withheld: nothing, unless its feature says so."""
    return _readings.get(table.name, Reading.WHOLE)


def declared_readings() -> frozenset[str]:
    """Return the names of the tables of which their features said what can be read."""
    return frozenset(_readings)


def is_told(kind: Kind, withheld: Withheld) -> bool:
    """Return whether comparisons and histories tell of *kind* when *withheld* is."""
    return not withheld or reading_of(kind.table) not in (Reading.NAMED, Reading.WHOLE)


def without_values(kind: Kind, content: Content, withheld: Withheld) -> Content:
    """Return *content* without the values of attributes that are withheld, in whichever of its maps."""
    if not withheld.attributes:
        return content
    keys = withheld.attribute_keys
    return {
        name: (
            {key: item for key, item in value.items() if key not in keys}
            if name in kind.maps and isinstance(value, dict)
            else value
        )
        for name, value in content.items()
    }


def listed(ids: Any) -> ColumnElement[Any]:
    """Return ids that are withheld as an array: a parameter, which a query for any snapshot has already."""
    if isinstance(ids, ColumnElement):
        return ids
    return bindparam(None, list(ids), type_=ARRAY(Uuid), unique=True)


async def traced_commits(
    session: AsyncSession, project_id: UUID, withheld: Withheld, sequences: Collection[int]
) -> set[int]:
    """Return which of the commits with *sequences* wrote something that is withheld."""
    found: set[int] = set()
    for traces in _traces:
        found |= await traces.commits(session, project_id, withheld, sequences)
    return found


async def traced_entities(
    session: AsyncSession, project_id: UUID, withheld: Withheld, kind: str, ids: Collection[UUID]
) -> set[UUID]:
    """Return which of the entities of *kind* were ever part of what is withheld."""
    found: set[UUID] = set()
    for traces in _traces:
        found |= await traces.entities(session, project_id, withheld, kind, ids)
    return found
