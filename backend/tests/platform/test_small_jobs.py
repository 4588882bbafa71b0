"""Many small jobs share transactions, and lose none of what holds for each job by that."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func

from reqtrail.kit.ids import new_id
from reqtrail.platform.database.scope import of_project, of_task
from reqtrail.platform.jobs import claiming
from reqtrail.platform.jobs.claiming import End
from reqtrail.platform.jobs.ending import Endings
from reqtrail.platform.jobs.runner import AHEAD
from reqtrail.platform.jobs.types import Job, JobStatus, Priority
from reqtrail.platform.jobs.work import Work
from tests.fixtures.jobs import Queue

pytestmark = pytest.mark.anyio


async def _states(jobs_of: Queue, made: list[Job]) -> list[JobStatus]:
    return [(await jobs_of.get(job)).state for job in made]


async def _until(condition: Any) -> None:
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_small_jobs_share_their_transactions(jobs_of: Queue) -> None:
    """Two hundred take less than a transaction each, are done once each, and keep their results."""
    projects = [new_id() for _ in range(5)]
    made = [await jobs_of.add(projects[number % 5]) for number in range(200)]
    ran: list[Job] = []
    began: list[object] = []

    def note(work: Work) -> dict[str, int]:
        ran.append(work.job)
        return {"number": len(ran)}

    jobs_of.does(note)

    def count(connection: object) -> None:
        began.append(connection)

    engine = jobs_of.database.engine.sync_engine
    event.listen(engine, "begin", count)
    working = asyncio.create_task(jobs_of.runner.run())
    try:
        async with asyncio.timeout(20):
            while len(ran) < 200 or jobs_of.runner._ending:
                await asyncio.sleep(0.01)
    finally:
        event.remove(engine, "begin", count)
        working.cancel()
        await asyncio.wait([working])
    assert len({job.job_id for job in ran}) == len(ran) == 200
    done = [await jobs_of.get(job) for job in made]
    assert {(job.state, job.attempts, job.phase) for job in done} == {("done", 1, "done")}
    assert sorted((job.result or {})["number"] for job in done) == list(range(1, 201))
    assert all(job.lease_until is None and job.expires_at and job.finished_at for job in done)
    assert len(began) < 100


async def test_jobs_that_were_taken_ahead_of_slow_ones_are_given_back(jobs_of: Queue) -> None:
    """What was quick so far is slow at once: after a second another worker may have what was not begun."""
    for _ in range(8):
        await jobs_of.add()
    assert await jobs_of.runner.run_waiting() == 8
    go = asyncio.Event()

    async def hang(work: Work) -> None:
        await go.wait()

    jobs_of.does(hang)
    jobs_of.runner._more = True
    made = [await jobs_of.add() for _ in range(20)]
    working = asyncio.create_task(jobs_of.runner.run())

    async def all_are_taken() -> bool:
        return set(await _states(jobs_of, made)) == {JobStatus.RUNNING}

    async def others_wait() -> bool:
        return (await _states(jobs_of, made)).count(JobStatus.RUNNING) == 4

    try:
        await _until(all_are_taken)
        await _until(others_wait)
        assert len(await jobs_of.claim(16)) == 16
    finally:
        working.cancel()
        await asyncio.wait([working])


async def test_a_worker_that_stops_gives_back_what_it_took_ahead(jobs_of: Queue) -> None:
    await jobs_of.add()
    assert await jobs_of.runner.run_waiting() == 1
    began = asyncio.Event()

    async def hang(work: Work) -> None:
        began.set()
        await asyncio.Event().wait()

    jobs_of.does(hang)
    jobs_of.runner._more = True
    made = [await jobs_of.add() for _ in range(20)]
    working = asyncio.create_task(jobs_of.runner.run())
    async with asyncio.timeout(20):
        await began.wait()
    working.cancel()
    await asyncio.wait([working])
    assert set(await _states(jobs_of, made)) == {JobStatus.QUEUED}
    assert {
        (job.attempts, job.most_attempts) for job in [await jobs_of.get(one) for one in made]
    } == {(1, 4)}


async def test_only_what_was_never_tried_is_taken_ahead(jobs_of: Queue) -> None:
    """A job that kills its worker costs those that were taken ahead one attempt, and never their last."""
    made = [await jobs_of.add() for _ in range(6)]
    for job in made[:3]:
        await jobs_of.set(job, attempts=1)
    urgent = await jobs_of.add(priority=Priority.HIGH)
    taken = await jobs_of.claim(1, ahead=AHEAD, quick=["test.work"])
    assert {job.job_id for job in taken} == {urgent.job_id, *(job.job_id for job in made[3:])}
    assert await jobs_of.claim(0, ahead=AHEAD, quick=["test.short"]) == []


async def test_ends_that_are_written_together_are_fenced_off_each(jobs_of: Queue) -> None:
    """Of three jobs one was lost, and somebody is about to cancel another: the third is done, nobody waits."""
    for _ in range(3):
        await jobs_of.add(new_id())
    lost, held, fine = await jobs_of.claim(3)
    await jobs_of.set(lost, lease_until=func.clock_timestamp() - timedelta(seconds=1))
    await jobs_of.runner.sweep()
    ends = [End(job, {"x": 1}, 2, 3) for job in (lost, held, fine)]
    task = jobs_of.database.within(of_task("jobs"))
    async with jobs_of.database.within(of_project(held.project_id)).session() as other:
        assert await claiming.hold(other, held) is False
        async with asyncio.timeout(5), task.session() as session:
            assert await claiming.settle_together(session, ends) == {fine.job_id}
    assert await _states(jobs_of, [lost, held, fine]) == ["queued", "running", "done"]
    done = await jobs_of.get(fine)
    assert (done.result, done.done, done.total) == ({"x": 1}, 2, 3)


async def test_a_job_whose_end_cannot_be_written_with_others_ends_alone(
    jobs_of: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def reach_nobody(session: object, ends: object) -> set[object]:
        raise OSError("the connection is lost")

    monkeypatch.setattr(claiming, "settle_together", reach_nobody)
    job = await jobs_of.add()
    assert await jobs_of.runner.run_waiting() == 1
    assert (await jobs_of.get(job)).state == "done"


async def test_a_result_that_cannot_be_written_down_harms_no_other(jobs_of: Queue) -> None:
    for _ in range(2):
        await jobs_of.add(new_id())
    broken, fine = await jobs_of.claim(2)
    endings = Endings(jobs_of.database.within(of_task("jobs")))
    async with asyncio.timeout(20):
        ended = await asyncio.gather(
            endings.done(End(broken, {"x": {1, 2}}, 0, 0)), endings.done(End(fine, {"x": 1}, 0, 0))
        )
        assert [*ended] == [False, False], "each is to end alone"
        assert await endings.done(End(fine, {"x": 1}, 0, 0))
    assert await _states(jobs_of, [broken, fine]) == ["running", "done"]
