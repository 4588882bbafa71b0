"""What features register with the engine: kinds, structural rules, presenters, adopters and further verifiers."""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning.errors import OperationInvalid, ResolutionInvalid
from reqtrail.features.versioning.types import (
    Content,
    Kind,
    PendingChange,
    Problem,
    Snapshot,
    State,
)
from reqtrail.kit.errors import ReqtrailError

Lookup = Callable[[str, Iterable[UUID]], Awaitable[dict[UUID, State]]]
Missing = Callable[[str, Iterable[UUID]], Awaitable[set[UUID]]]


@dataclass(frozen=True)
class CommitContext:
    """What a structural rule sees: the changes about to be written, and any other state as it will be.

    Attributes:
        head: The snapshot before this commit.
        lookup: Gives the states of entities of a kind as they will be after the commit (absent ones are left out).
        missing: Gives those among entities of a kind that will not exist after the commit, or be deleted.
        bulk: Whether this is an import, which keeps what its source holds even where the product would not make it.
    """

    session: AsyncSession
    head: Snapshot
    changes: tuple[PendingChange, ...]
    lookup: Lookup
    missing: Missing
    bulk: bool = False


@dataclass(frozen=True)
class Violation:
    """A structural rule that would be broken.

    Attributes:
        error: What a commit that breaks it is refused with.
        about: The entities, with a field of each, of which another choice could mend it in a merge; the field
            ``existence`` means whether the entity is there at all.
    """

    error: ReqtrailError
    about: tuple[tuple[str, UUID, str], ...] = ()


@dataclass(frozen=True)
class OwnValue:
    """A value that somebody writes where both sides of a merge disagree.

    Attributes:
        content: The merged content that it goes into.
        key: The key within the field, if that is a map.
        value: What was written, as the API takes it.
    """

    content: Content
    field: str
    key: str | None
    value: Any


Rule = Callable[[CommitContext], AsyncIterator[Violation]]
Presenter = Callable[[AsyncSession, Snapshot, list[Content]], Awaitable[list[Content]]]
Adopter = Callable[[AsyncSession, Snapshot, OwnValue], Awaitable[Any]]
Verifier = Callable[[AsyncSession, UUID], AsyncIterator[Problem]]
Companions = Callable[
    [AsyncSession, UUID, Sequence[tuple[str, Content]], Collection[tuple[UUID, int]]],
    Awaitable[Mapping[str, Collection[UUID]]],
]
"""Given a project, ``(kind, content)`` of what is redacted and ``(entity, sequence)`` of the same: by kind what nothing
else uses, so that all of it goes too."""
Sweeper = Callable[[AsyncSession, UUID], Awaitable[None]]
"""Given a project: drops the copies outside the history that a redaction must not leave."""

_kinds: dict[str, Kind] = {}
_rules: dict[str, Rule] = {}
_presenters: dict[str, Presenter] = {}
_adopters: dict[str, Adopter] = {}
_verifiers: dict[str, Verifier] = {}
_companions: dict[str, Companions] = {}
_sweepers: dict[str, Sweeper] = {}


def register_kind(kind: Kind) -> None:
    """Make *kind* known; registering the same name again replaces it."""
    _kinds[kind.name] = kind


def register_rule(name: str, rule: Rule) -> None:
    """Make *rule* run before every commit is written; the first violation that it yields refuses the commit."""
    _rules[name] = rule


def register_presenter(kind: str, presenter: Presenter) -> None:
    """Make *presenter* turn stored contents of *kind* into what may leave by API."""
    _presenters[kind] = presenter


def register_adopter(kind: str, adopter: Adopter) -> None:
    """Make *adopter* check values of one's own for *kind*, and turn them into what is stored."""
    _adopters[kind] = adopter


def register_verifier(name: str, verifier: Verifier) -> None:
    """Make *verifier* part of every verification of a project."""
    _verifiers[name] = verifier


def register_redaction(
    name: str, *, companions: Companions | None = None, sweeper: Sweeper | None = None
) -> None:
    """Make a redaction ask *companions* what goes with what is removed, and *sweeper* to drop further copies."""
    if companions is not None:
        _companions[name] = companions
    if sweeper is not None:
        _sweepers[name] = sweeper


def get_kind(name: str) -> Kind:
    """Return the kind called *name*.

    Raises:
        OperationInvalid: If there is none.
    """
    try:
        return _kinds[name]
    except KeyError:
        known = ", ".join(sorted(_kinds))
        raise OperationInvalid(f"There is no kind “{name}”; known are {known}.") from None


def all_kinds() -> tuple[Kind, ...]:
    """Return every kind, in a stable order."""
    return tuple(_kinds[name] for name in sorted(_kinds))


def all_rules() -> tuple[Rule, ...]:
    """Return every structural rule in the order of registration."""
    return tuple(_rules.values())


def all_verifiers() -> tuple[Verifier, ...]:
    """Return every further verifier in the order of registration."""
    return tuple(_verifiers.values())


def all_redaction_companions() -> tuple[Companions, ...]:
    """Return everything that a redaction asks for companions."""
    return tuple(_companions.values())


def all_redaction_sweepers() -> tuple[Sweeper, ...]:
    """Return everything that drops copies after a redaction."""
    return tuple(_sweepers.values())


async def present(
    session: AsyncSession, snapshot: Snapshot, kind: str, contents: list[Content]
) -> list[Content]:
    """Return *contents* of *kind* in the form that may leave by API."""
    presenter = _presenters.get(kind)
    return await presenter(session, snapshot, contents) if presenter else contents


async def adopt(session: AsyncSession, snapshot: Snapshot, kind: str, own: OwnValue) -> Any:
    """Return a value of one's own in the form that is stored.

    Raises:
        ResolutionInvalid: If fields of *kind* take none.
        ReqtrailError: What the feature that owns the kind says of a value that does not fit.
    """
    adopter = _adopters.get(kind)
    if adopter is None:
        raise ResolutionInvalid(f"A {kind} takes no value of one's own: choose a side.")
    return await adopter(session, snapshot, own)
