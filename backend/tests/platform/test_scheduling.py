"""Each slot of a schedule is queued once, whoever looks and whoever dies in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update

from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.database.scope import of_project
from reqtrail.platform.jobs.queue import enqueue
from reqtrail.platform.jobs.scheduling import Schedule, enrol, tick
from reqtrail.platform.jobs.tables import jobs, schedules
from reqtrail.platform.jobs.types import INSTANCE
from reqtrail.platform.settings import Settings
from tests.fixtures.engines import Engines
from tests.fixtures.jobs import Queue

pytestmark = pytest.mark.anyio

HOURLY = Schedule("hourly", "test.work", timedelta(hours=1))
DAILY = Schedule("daily", "test.work", timedelta(days=1))


@pytest.fixture(scope="module")
async def own_database(engines: Engines, worker: str) -> AsyncIterator[Database]:
    made = Database(make_engine(engines.clone(f"schedules_{worker}"), pool_size=4))
    yield made
    await made.dispose()


@pytest.fixture
async def database(own_database: Database) -> AsyncIterator[Database]:
    await enrol(own_database, [HOURLY, DAILY])
    yield own_database
    async with own_database.within(of_project(INSTANCE)).session() as session:
        await session.execute(text("DELETE FROM jobs"))
        await session.execute(text("DELETE FROM schedules"))


async def _due(database: Database, name: str) -> None:
    async with database.session() as session:
        await session.execute(
            update(schedules)
            .where(schedules.c.name == name)
            .values(next_at=func.clock_timestamp() - timedelta(hours=5))
        )


async def _slots(database: Database) -> list[str]:
    async with database.within(of_project(INSTANCE)).session() as session:
        rows = await session.scalars(select(jobs.c.payload).order_by(jobs.c.created_at))
        return [row["slot"] for row in rows]


def test_slots_begin_at_whole_multiples() -> None:
    moment = datetime(2026, 11, 29, 9, 17, 3, tzinfo=UTC)
    assert HOURLY.slot_of(moment) == datetime(2026, 11, 29, 9, tzinfo=UTC)
    assert DAILY.slot_of(moment) == datetime(2026, 11, 29, tzinfo=UTC)
    assert HOURLY.slot_of(HOURLY.slot_of(moment)) == HOURLY.slot_of(moment)


async def test_a_new_schedule_is_due_at_once_and_then_with_its_slot(database: Database) -> None:
    assert await tick(database, [HOURLY, DAILY]) == ["daily", "hourly"]
    assert await tick(database, [HOURLY, DAILY]) == []
    async with database.session() as session:
        row = (await session.execute(select(schedules).where(schedules.c.name == "hourly"))).one()
    assert row.next_at == row.last_at + HOURLY.every and row.last_job_id is not None


async def test_one_of_many_that_look_at_once_takes_the_slot(
    database: Database, settings: Settings
) -> None:
    for _ in range(3):
        await _due(database, "hourly")
        taken = await asyncio.gather(*(tick(database, [HOURLY]) for _ in range(4)))
        assert sorted(map(len, taken)) == [0, 0, 0, 1]
        await Queue(database, settings).runner.run_waiting()
    assert len(await _slots(database)) == 3


async def test_who_dies_before_the_end_leaves_the_slot_to_the_next(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*args: object, **more: object) -> None:
        await enqueue(*args, **more)  # type: ignore[arg-type]
        raise RuntimeError("killed")

    with monkeypatch.context() as dying:
        dying.setattr("reqtrail.platform.jobs.scheduling.enqueue", die)
        with pytest.raises(RuntimeError, match="killed"):
            await tick(database, [HOURLY])
    assert await _slots(database) == []
    assert await tick(database, [HOURLY]) == ["hourly"]
    assert len(await _slots(database)) == 1


async def test_jobs_do_not_pile_up_while_nobody_works(
    database: Database, settings: Settings
) -> None:
    assert await tick(database, [HOURLY]) == ["hourly"]
    await _due(database, "hourly")
    assert await tick(database, [HOURLY]) == []
    assert len(await _slots(database)) == 1
    await Queue(database, settings).runner.run_waiting()
    await _due(database, "hourly")
    assert await tick(database, [HOURLY]) == ["hourly"]


async def test_what_is_no_more_is_forgotten(database: Database) -> None:
    await enrol(database, [HOURLY])
    async with database.session() as session:
        assert list(await session.scalars(select(schedules.c.name))) == ["hourly"]
