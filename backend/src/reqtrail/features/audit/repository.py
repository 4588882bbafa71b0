"""Every query of audit."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from sqlalchemy import Executable, bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.audit.tables import audit_events, audit_unsealed
from reqtrail.platform.auditing import Event

_FIELDS: Final = tuple(item.name for item in fields(Event))


def _insertion() -> Executable:
    """Return the statement that adds an event and has it sealed: one round trip, since every write waits for it."""
    event = (
        insert(audit_events)
        .values({name: bindparam(name) for name in _FIELDS})
        .returning(audit_events.c.project_id, audit_events.c.occurred_at, audit_events.c.event_id)
        .cte("event")
    )
    names = ["project_id", "occurred_at", "event_id"]
    return insert(audit_unsealed).from_select(names, select(event))


_INSERT: Final = _insertion()


async def insert_event(session: AsyncSession, event: Event) -> None:
    """Add an event in the transaction of *session*."""
    await session.execute(_INSERT, {name: getattr(event, name) for name in _FIELDS})
