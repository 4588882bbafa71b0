"""What is recorded of each write: one event, in the transaction of the write itself.

A session that writes on somebody's behalf has a *trail*: who acts, from where, and what they do. Sessions of requests
get theirs from ``platform.database.session``, so no route can forget it; commands and jobs call :func:`open_trail`.
When the transaction is about to commit, the trail becomes one event. One that is rolled back (a refused request, one
that is repeated) leaves none.

Services say what they know by :func:`describe`; what nobody describes follows from the operation's name and path::

    describe(session, action="member:put", subject=("user", user_id), old={"role": before}, new={"role": role})

The feature audit keeps the events; it registers its writer here, because features below it write too.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.kit import clock
from reqtrail.kit.ids import new_id
from reqtrail.kit.redaction import clean, clean_text
from reqtrail.platform.database.engine import Database, before_commit

INSTANCE: Final = UUID(int=0)
"""The project id of events that belong to no project."""

_TRAIL: Final = "reqtrail_trail"
_ACTION = re.compile(r"[a-z]+(-[a-z]+)*:[a-z]+(-[a-z]+)*")

Outcome = Literal["done", "refused"]
Proof = Literal["none", "session", "token", "local", "system"]
"""How the actor proved who they are: by a sign-in, a personal token, the machine's own command line, or not at all.

``system`` is Reqtrail itself, which acts for the actor, if there is one.
"""
Subject = tuple[str, UUID | str]
"""What kind of thing an event is about, and which one."""


@dataclass(frozen=True)
class Source:
    """Where a write comes from.

    Attributes:
        operation: The name of the operation, of which the action follows: ``put_member`` is ``member:put``.
    """

    operation: str
    address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    proof: Proof = "none"


@dataclass(frozen=True)
class Event:
    """What happened, as it is kept. It holds no secret: values pass through ``kit.redaction``."""

    project_id: UUID
    occurred_at: datetime
    event_id: UUID
    actor_id: UUID | None
    proof: Proof
    proof_id: str | None
    address: str | None
    user_agent: str | None
    request_id: str | None
    action: str
    outcome: Outcome
    subject_kind: str | None
    subject_id: str | None
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    details: Mapping[str, Any] | None


Writer = Callable[[AsyncSession, Event], Awaitable[None]]

_writers: list[Writer] = []


def register_writer(writer: Writer) -> None:
    """Have *writer* keep the events, in the transaction that it is given; there is one for the whole program."""
    _writers[:] = [writer]


@dataclass
class Trail:
    """Who does what in one transaction, as far as it is known yet."""

    source: Source
    actor_id: UUID | None = None
    proof: Proof = "none"
    proof_id: str | None = None
    project_id: UUID | None = None
    action: str | None = None
    outcome: Outcome = "done"
    subject: Subject | None = None
    old: dict[str, Any] = field(default_factory=dict)
    new: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    silent: bool = False

    def event(self) -> Event:
        """Return the event that this trail has become."""
        kind, subject_id = self.subject or (None, None)
        source = self.source
        return Event(
            project_id=self.project_id or INSTANCE,
            occurred_at=clock.now(),
            event_id=new_id(),
            actor_id=self.actor_id,
            proof=self.proof if self.proof != "none" else source.proof,
            proof_id=self.proof_id,
            address=source.address,
            user_agent=clean_text(source.user_agent, 300) if source.user_agent else None,
            request_id=source.request_id,
            action=self.action
            or action_of(source.operation, in_project=self.project_id is not None),
            outcome=self.outcome,
            subject_kind=kind,
            subject_id=None if subject_id is None else clean_text(str(subject_id), 200),
            old=clean(self.old) or None,
            new=clean(self.new) or None,
            details=clean(self.details) or None,
        )


def action_of(operation: str, *, in_project: bool = True) -> str:
    """Return the action of an operation: ``put_member`` is ``member:put``, ``undo`` is ``project:undo``."""
    verb, _, thing = operation.partition("_")
    return f"{(thing or ('project' if in_project else 'instance')).replace('_', '-')}:{verb}"


def attach_trail(session: AsyncSession, trail: Trail) -> None:
    """Let what is said of *session* be said of *trail*, without an event at its end: a session that only reads."""
    session.info[_TRAIL] = trail


def open_trail(
    session: AsyncSession,
    source: Source,
    *,
    actor_id: UUID | None = None,
    trail: Trail | None = None,
) -> Trail:
    """Have the transaction of *session* leave one event when it commits.

    Args:
        trail: What is known already; else it begins with *source* and *actor_id*.
    """
    opened = trail or Trail(source, actor_id=actor_id)
    attach_trail(session, opened)

    async def write() -> None:
        if not opened.silent:
            await _write(session, opened.event())

    before_commit(session, write)
    return opened


def identify(
    session: AsyncSession,
    *,
    actor_id: UUID | None = None,
    proof: Proof | None = None,
    proof_id: UUID | str | None = None,
    project_id: UUID | None = None,
) -> None:
    """Say who acts in *session*, how they proved it and in which project; None leaves a thing as it is.

    A sign-in is named by the id of its family, a personal token by its own id: never by a secret.
    """
    trail: Trail | None = session.info.get(_TRAIL)
    if trail is None:
        return
    trail.actor_id = actor_id or trail.actor_id
    trail.proof = proof or trail.proof
    trail.proof_id = str(proof_id) if proof_id is not None else trail.proof_id
    trail.project_id = project_id or trail.project_id


def describe(
    session: AsyncSession,
    *,
    action: str | None = None,
    subject: Subject | None = None,
    project_id: UUID | None = None,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
    outcome: Outcome | None = None,
) -> None:
    """Say what the transaction of *session* does; None leaves a thing as it is.

    A use case that contains others says it last: another action replaces what was said before, the same action, or
    none, adds to it. In a session without a trail (the book-keeping of a worker) there is nothing to describe.

    Args:
        action: ``thing:verb``; it follows from the operation's name if nobody says more.
        subject: The kind of thing and its id; it follows from the path.
        project_id: Whose event it is, if the request did not name the project.
        old: Values before, by field. Texts of content do not belong here: a commit is named instead.
        new: Values after.
        details: What else an assessor wants to know, such as counts.

    Raises:
        ValueError: If *action* is not of the form ``thing:verb``.
    """
    trail: Trail | None = session.info.get(_TRAIL)
    if trail is None:
        return
    if action is not None and not _ACTION.fullmatch(action):
        raise ValueError(f"{action!r} is not thing:verb")
    if action is not None and trail.action not in (None, action):
        trail.old, trail.new, trail.details = {}, {}, {}
    trail.action = action or trail.action
    trail.subject = subject or trail.subject
    trail.project_id = project_id or trail.project_id
    trail.outcome = outcome or trail.outcome
    for kept, said in ((trail.old, old), (trail.new, new), (trail.details, details)):
        kept.update(said or {})


def leave_no_event(session: AsyncSession) -> None:
    """Say that the transaction of *session* changes nothing although its request is answered: nothing is recorded."""
    trail: Trail | None = session.info.get(_TRAIL)
    if trail is not None:
        trail.silent = True


async def record(database: Database, trail: Trail) -> None:
    """Keep one event in a transaction of its own: of a read that is recorded, or of a refusal."""
    async with database.session() as session:
        await _write(session, trail.event())


def copied(trail: Trail, **changes: Any) -> Trail:
    """Return a trail of the same actor and place, with nothing described yet but *changes*."""
    return replace(trail, old={}, new={}, details={}, action=None, outcome="done", **changes)


async def _write(session: AsyncSession, event: Event) -> None:
    if not _writers:
        raise RuntimeError("Nobody keeps the audit events: call bootstrap.wiring.register_all().")
    await _writers[0](session, event)
