"""What the instance does for itself: its jobs run, and do what they say."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from reqtrail.bootstrap.housekeeping import SCHEDULES
from reqtrail.bootstrap.jobs import register_jobs
from reqtrail.platform.database.scope import of_project
from reqtrail.platform.jobs.queue import enqueue
from reqtrail.platform.jobs.registry import kind_of
from reqtrail.platform.jobs.runner import Runner
from reqtrail.platform.jobs.tables import job_results, jobs
from reqtrail.platform.jobs.types import INSTANCE
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


async def _run(world: World, kind: str) -> dict[str, object]:
    async with world.database.within(of_project(INSTANCE)).session() as session:
        job = await enqueue(session, kind, INSTANCE, None, {})
    await Runner(world.database, world.app.state.settings).run_waiting()
    async with world.owner.session() as session:
        row = (await session.execute(select(jobs).where(jobs.c.job_id == job.job_id))).one()
    assert row.state == "done", row.error
    return dict(row.result)


async def test_a_job_that_expired_goes_with_its_file(world: World) -> None:
    owner = await world.user()
    path = f"/projects/{await world.project(owner)}"
    kept, gone = [(await owner.post(f"{path}/exports", json={})).json()["id"] for _ in range(2)]
    await Runner(world.database, world.app.state.settings).run_waiting()
    past = func.clock_timestamp() - timedelta(seconds=1)
    async with world.owner.session() as session:
        await session.execute(
            update(jobs).where(jobs.c.job_id == UUID(gone)).values(expires_at=past)
        )
    counted = await _run(world, "instance.cleanup")
    assert int(str(counted["jobs"])) >= 1
    assert (await owner.get(f"{path}/jobs/{kept}/result")).status_code == 200
    answer = await owner.get(f"{path}/jobs/{gone}/result")
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")
    async with world.owner.session() as session:
        pieces = select(func.count()).where(job_results.c.job_id == UUID(gone))
        assert await session.scalar(pieces) == 0


async def test_partitions_are_made_by_a_job(world: World) -> None:
    assert (await _run(world, "instance.partitions"))["made"] == []


async def test_projects_with_new_commits_are_verified(world: World) -> None:
    owner = await world.user()
    path = f"/projects/{await world.project(owner)}"
    counted = await _run(world, "versioning.verify-recent")
    assert int(str(counted["queued"])) >= 1
    (job,) = (await owner.get(f"{path}/jobs?kind=versioning.verify")).json()["jobs"]
    assert (job["state"], job["author"], job["result"]["ok"]) == ("done", None, True)


def test_every_schedule_is_of_a_kind_that_is_known() -> None:
    register_jobs()
    assert len({schedule.name for schedule in SCHEDULES}) == len(SCHEDULES) == 3
    for schedule in SCHEDULES:
        assert kind_of(schedule.kind).most_attempts > 1
        assert timedelta(minutes=1) <= schedule.every <= timedelta(days=1)
