"""Adding and finding events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import fields
from datetime import datetime
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    Text,
    bindparam,
    cast,
    func,
    insert,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.audit.tables import audit_events, audit_unsealed
from reqtrail.features.audit.types import EVERYWHERE, Place, Row, Search
from reqtrail.platform.auditing import INSTANCE, Event

RETIRE: Final = "audit:retire"
_FIELDS: Final = tuple(item.name for item in fields(Event))
_SEARCHED: Final = (
    audit_events.c.action,
    audit_events.c.subject_kind,
    audit_events.c.subject_id,
    audit_events.c.address,
    audit_events.c.request_id,
    cast(audit_events.c.old, Text),
    cast(audit_events.c.new, Text),
    cast(audit_events.c.details, Text),
)
_STREAMED: Final = 500


def _insertion() -> Executable:
    """Return the statement that adds an event and has it sealed: one round trip, since every write waits for it.

    It returns nothing: whoever adds an event need not be able to read it, as of a project that refused them.
    """
    event = insert(audit_events).values({name: bindparam(name) for name in _FIELDS}).cte("event")
    names = ("project_id", "occurred_at", "event_id")
    return insert(audit_unsealed).values({name: bindparam(name) for name in names}).add_cte(event)


_INSERT: Final = _insertion()


async def insert_event(session: AsyncSession, event: Event) -> None:
    """Add an event in the transaction of *session*."""
    await session.execute(_INSERT, {name: getattr(event, name) for name in _FIELDS})


def _asked(asked: Search) -> Select[tuple[object, ...]]:
    table = audit_events.c
    conditions: list[ColumnElement[bool]] = []
    if asked.project_id != EVERYWHERE:
        conditions.append(table.project_id == asked.project_id)
    if asked.actor_id is not None:
        conditions.append(table.actor_id == asked.actor_id)
    if asked.action is not None:
        thing, _, verb = asked.action.partition(":")
        whole = table.action == asked.action
        conditions.append(whole if verb else table.action.startswith(f"{thing}:", autoescape=True))
    if asked.outcome is not None:
        conditions.append(table.outcome == asked.outcome)
    if asked.subject is not None:
        conditions.append(
            or_(table.subject_id == asked.subject, table.subject_kind == asked.subject)
        )
    if asked.text is not None:
        matches = (column.icontains(asked.text, autoescape=True) for column in _SEARCHED)
        conditions.append(or_(*matches))
    if asked.since is not None:
        conditions.append(table.occurred_at >= asked.since)
    if asked.until is not None:
        conditions.append(table.occurred_at < asked.until)
    return select(audit_events).where(*conditions)


async def search(
    session: AsyncSession, asked: Search, after: Place | None, limit: int
) -> list[Row]:
    """Return the newest *limit* events that are asked for, those before the place *after*."""
    table = audit_events.c
    statement = _asked(asked).order_by(table.occurred_at.desc(), table.event_id.desc()).limit(limit)
    if after is not None:
        place = tuple_(table.occurred_at, table.event_id)
        # The first condition says nothing new, but the planner leaves whole months out by it.
        statement = statement.where(
            table.occurred_at <= after.occurred_at, place < (after.occurred_at, after.event_id)
        )
    return [dict(row._mapping) for row in await session.execute(statement)]


async def stream_events(session: AsyncSession, asked: Search) -> AsyncGenerator[list[Row], None]:
    """Yield the events that are asked for, the oldest first, in pieces."""
    table = audit_events.c
    statement = _asked(asked).order_by(table.occurred_at, table.event_id)
    rows = await session.stream(statement.execution_options(yield_per=_STREAMED))
    async for piece in rows.partitions():
        yield [dict(row._mapping) for row in piece]


async def retired_until(session: AsyncSession) -> datetime | None:
    """Return the moment before which the record says that its events were dropped; None if none were."""
    latest = await session.scalar(
        select(func.max(audit_events.c.details["until"].astext)).where(
            audit_events.c.project_id == INSTANCE, audit_events.c.action == RETIRE
        )
    )
    return datetime.fromisoformat(latest) if latest else None
