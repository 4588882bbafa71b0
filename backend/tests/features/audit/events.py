"""Reading the record in tests: straight from the table, as an assessor with access to the database would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Row, func, select

from reqtrail.features.audit.tables import audit_events
from tests.fixtures.api import World


class Events(list[Row[Any]]):
    """The events of one stretch of a test, the oldest first; filled when the stretch has ended."""

    @property
    def actions(self) -> list[str]:
        """What was done."""
        return [row.action for row in self]


@asynccontextmanager
async def recorded(world: World) -> AsyncIterator[Events]:
    """Collect the events that are added while the block runs."""
    found = Events()
    before = await _ids(world)
    yield found
    async with world.owner.read_session() as session:
        rows = await session.execute(
            select(audit_events).order_by(audit_events.c.occurred_at, audit_events.c.event_id)
        )
        found.extend(row for row in rows if row.event_id not in before)


async def _ids(world: World) -> set[Any]:
    async with world.owner.read_session() as session:
        return set(await session.scalars(select(audit_events.c.event_id)))


async def count(world: World) -> int:
    """Return how many events there are."""
    async with world.owner.read_session() as session:
        return int(await session.scalar(select(func.count()).select_from(audit_events)) or 0)
