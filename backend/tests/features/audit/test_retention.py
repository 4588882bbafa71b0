"""How long events are kept, and that nobody but the owner of the tables takes one away."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from reqtrail.features.audit.public import retire_events
from reqtrail.kit import clock
from reqtrail.platform.database.partitions import (
    month_partition_name,
    month_partition_statement,
    month_start,
)
from reqtrail.platform.settings import Settings
from tests.features.audit.events import recorded
from tests.features.audit.record import Record
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


async def test_months_are_dropped_as_a_whole(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old months go when the setting says so, the record says it, and what is left can be verified as before."""
    record = await Record.make(world, settings)
    old = month_start(clock.now(), -30)
    record.enemy.execute(month_partition_statement("audit_events", old).encode())
    monkeypatch.setattr(clock, "now", lambda: old + timedelta(days=3))
    await record.write(2)
    monkeypatch.undo()
    await record.write(1)
    name = month_partition_name("audit_events", old)
    # What is not sealed yet is not dropped, however old it is.
    assert name not in await retire_events(world.database, world.owner, 24)
    await record.seal()
    assert await retire_events(world.database, world.owner, 0) == []
    async with recorded(world) as events:
        assert name in await retire_events(world.database, world.owner, 24)
    (event,) = events
    assert event.action == "audit:retire" and name in event.details["partitions"]
    assert event.project_id == UUID(int=0)
    assert datetime.fromisoformat(event.details["until"]) == month_start(clock.now(), -24)
    report = await record.verify()
    assert report["ok"], report
    assert report["retired"] == 2
    assert [row["action"] for row in record.rows("audit_events", "occurred_at")] == [
        "project:create",
        "project:update",
    ]
    record.enemy.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET action = 'nothing:happened'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "DELETE FROM audit_leaves",
        "UPDATE audit_leaves SET seq = seq + 1",
        "UPDATE audit_checkpoints SET size = 0",
        "DELETE FROM audit_checkpoints",
        "TRUNCATE audit_checkpoints",
        "DROP TABLE audit_events",
        "UPDATE {partition} SET action = 'nothing:happened'",
        "DELETE FROM {partition}",
        "TRUNCATE {partition}",
        "DROP TABLE {partition}",
    ],
)
async def test_the_application_may_add_and_read(
    world: World, settings: Settings, statement: str
) -> None:
    """Its role is refused everything else, on the table and on each month."""
    record = await Record.make(world, settings)
    partition = month_partition_name("audit_events", month_start(clock.now()))
    record.enemy.execute("SET ROLE reqtrail_app")
    record.enemy.execute("SELECT count(*) FROM audit_events")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        record.enemy.execute(statement.format(partition=partition).encode())
    record.enemy.close()
