"""Which job is next: projects take turns, priorities come first, and neither what waits nor what is short starves."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import func

from reqtrail.kit.ids import new_id
from reqtrail.platform.jobs import claiming
from reqtrail.platform.jobs.runner import Runner
from reqtrail.platform.jobs.types import JobStatus, Priority
from reqtrail.platform.jobs.work import Work
from tests.fixtures.jobs import Queue

pytestmark = pytest.mark.anyio


async def test_projects_take_turns_and_priorities_come_first(jobs_of: Queue) -> None:
    many, one, urgent = new_id(), new_id(), new_id()
    of_many = [await jobs_of.add(many) for _ in range(50)]
    of_one = await jobs_of.add(one)
    low = await jobs_of.add(urgent, priority=Priority.LOW)
    high = await jobs_of.add(many, priority=Priority.HIGH)
    (first,) = await jobs_of.claim()
    assert first.job_id == high.job_id
    order = [job.job_id for _ in range(4) for job in await jobs_of.claim()]
    assert order[0] == of_one.job_id, "its project has none under way"
    assert order[1:] == [job.job_id for job in of_many[:3]]
    assert low.job_id not in order


async def test_one_worker_that_does_one_at_a_time_also_takes_turns(jobs_of: Queue) -> None:
    """Nothing is under way when it looks: what counts then is whose turn was longest ago."""
    many, one = new_id(), new_id()
    for _ in range(20):
        await jobs_of.add(many)
    ran: list[UUID] = []

    def note(work: Work) -> None:
        ran.append(work.job.project_id)

    jobs_of.does(note)
    claimed = await jobs_of.claim()
    await jobs_of.runner._do(claimed[0])
    await jobs_of.add(one)
    assert await jobs_of.runner.run_waiting() == 20
    assert ran.index(one) == 1


async def test_what_waited_for_long_is_not_starved_by_what_is_urgent(jobs_of: Queue) -> None:
    """Each job that is done queues another urgent one; a low one is among the first four, and in each four after."""
    busy, quiet = new_id(), new_id()
    low = [await jobs_of.add(project, priority=Priority.LOW) for project in (busy, busy, quiet)]
    ran: list[Priority] = []

    async def go_on(work: Work) -> None:
        ran.append(Priority(work.job.priority))
        if len(ran) < 24:
            await jobs_of.add(busy, priority=Priority.HIGH)

    for _ in range(30):
        await jobs_of.add(busy, priority=Priority.HIGH)
    jobs_of.does(go_on)
    fresh = await jobs_of.claim(4, aged_first=True)
    assert {job.priority for job in fresh} == {Priority.HIGH}, "they have not waited yet"
    for job in low:
        await jobs_of.set(job, run_at=func.clock_timestamp() - 2 * claiming.AGED)
    assert await jobs_of.runner.run_waiting() > 24
    assert ran[:12].count(Priority.LOW) == 3
    assert [ran.index(Priority.LOW), ran[4:8].count(Priority.LOW)] == [3, 1]


async def test_a_backlog_that_waited_for_long_leaves_three_of_four_turns_to_others(
    jobs_of: Queue,
) -> None:
    project = new_id()
    for _ in range(20):
        old = await jobs_of.add(project, priority=Priority.LOW)
        await jobs_of.set(old, run_at=func.clock_timestamp() - 2 * claiming.AGED)
        await jobs_of.add(project, priority=Priority.HIGH)
    ran: list[int] = []
    jobs_of.does(lambda work: ran.append(work.job.priority))
    assert await jobs_of.runner.run_waiting() == 40
    assert ran[:20].count(Priority.HIGH) == 15


async def test_a_hand_is_kept_free_of_what_takes_long(jobs_of: Queue) -> None:
    """Three of four do the long ones of a project; the fourth has a short one done in the meantime."""
    go, began, ran = asyncio.Event(), asyncio.Semaphore(0), asyncio.Event()

    async def do(work: Work) -> None:
        if work.job.kind != "test.long":
            ran.set()
            return
        began.release()
        await go.wait()

    jobs_of.does(do)
    long = [await jobs_of.add(kind="test.long") for _ in range(60)]
    late = await jobs_of.add(priority=Priority.LOW)
    working = asyncio.create_task(jobs_of.runner.run())
    try:
        async with asyncio.timeout(10):
            for _ in range(3):
                await began.acquire()
            await ran.wait()
            while (await jobs_of.get(late)).state != "done":
                await asyncio.sleep(0.02)
        states = [(await jobs_of.get(job)).state for job in long]
        assert states.count(JobStatus.RUNNING) == 3 and states.count(JobStatus.QUEUED) == 57
    finally:
        working.cancel()
        await asyncio.wait([working])


async def test_a_worker_with_one_hand_does_what_takes_long(jobs_of: Queue) -> None:
    jobs_of.does(lambda work: None)
    job = await jobs_of.add(kind="test.long")
    assert await Runner(jobs_of.database, jobs_of.settings, at_once=1).run_waiting() == 1
    assert (await jobs_of.get(job)).state == "done"
