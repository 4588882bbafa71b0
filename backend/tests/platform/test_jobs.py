"""Jobs run at least once, in turns, and end in a state that says how: with real PostgreSQL, in one process."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from reqtrail.kit.errors import Conflict
from reqtrail.kit.ids import new_id
from reqtrail.platform.database.away import OutcomeUnknown
from reqtrail.platform.database.scope import of_project, of_task
from reqtrail.platform.jobs import claiming, queue
from reqtrail.platform.jobs.changes import on_changed
from reqtrail.platform.jobs.runner import wait_after
from reqtrail.platform.jobs.tables import job_results, jobs
from reqtrail.platform.jobs.types import INSTANCE, LEASE, JobStatus
from reqtrail.platform.jobs.work import PROGRESS_SECONDS, Work
from tests.fixtures.jobs import Queue

pytestmark = pytest.mark.anyio


async def test_a_job_runs_and_its_result_is_kept(jobs_of: Queue) -> None:
    job = await jobs_of.add()
    assert (job.state, job.attempts, job.trace_parent) == ("queued", 0, None)
    assert await jobs_of.runner.run_waiting() == 1
    done = await jobs_of.get(job)
    assert (done.state, done.attempts, done.result) == ("done", 1, {"payload": {"a": 1}})
    assert done.finished_at is not None and done.lease_until is None
    assert done.expires_at is not None and done.expires_at > done.finished_at
    assert await jobs_of.runner.run_waiting() == 0


async def test_a_job_of_a_transaction_that_is_undone_was_never_there(jobs_of: Queue) -> None:
    with pytest.raises(KeyError, match="undone"):
        async with jobs_of.database.within(of_project(INSTANCE)).session() as session:
            await queue.enqueue(session, "test.work", INSTANCE, None, {})
            raise KeyError("undone")
    assert await jobs_of.runner.run_waiting() == 0


async def test_what_crashes_is_tried_again_later_and_dead_in_the_end(jobs_of: Queue) -> None:
    def crash(work: Work) -> None:
        raise RuntimeError("boom")

    jobs_of.does(crash)
    job = await jobs_of.add()
    for attempt in (1, 2):
        assert await jobs_of.runner.run_waiting() == 1
        waiting = await jobs_of.get(job)
        assert (waiting.state, waiting.attempts) == ("queued", attempt)
        assert waiting.error is not None and waiting.error["code"] == "job_crashed"
        assert "boom" not in str(waiting.error)
        assert await jobs_of.runner.run_waiting() == 0, "it waits"
        await jobs_of.set(job, run_at=func.clock_timestamp())
    await jobs_of.runner.run_waiting()
    dead = await jobs_of.get(job)
    assert (dead.state, dead.attempts) == ("dead", 3)

    jobs_of.does(lambda work: None)
    async with jobs_of.database.within(of_project(INSTANCE)).session() as session:
        again = await queue.retry(session, INSTANCE, job.job_id)
    assert (again.state, again.attempts, again.most_attempts) == ("queued", 3, 6)
    await jobs_of.runner.run_waiting()
    done = await jobs_of.get(job)
    assert (done.state, done.attempts, done.error) == ("done", 4, None)


def test_waits_grow_and_differ() -> None:
    first, fourth = [[wait_after(attempts) for _ in range(50)] for attempts in (1, 4)]
    assert len(set(first)) > 40
    assert timedelta(seconds=1) <= min(first) and max(first) <= timedelta(seconds=3)
    assert timedelta(seconds=8) <= min(fourth) and max(fourth) <= timedelta(seconds=24)
    assert max(wait_after(60) for _ in range(20)) <= timedelta(seconds=900)


async def test_what_is_refused_fails_at_once_with_its_reason(jobs_of: Queue) -> None:
    def refuse(work: Work) -> None:
        raise Conflict("It is not possible.")

    jobs_of.does(refuse)
    job = await jobs_of.add()
    await jobs_of.runner.run_waiting()
    failed = await jobs_of.get(job)
    assert (failed.state, failed.attempts) == ("failed", 1)
    assert failed.error == {"code": "conflict", "detail": "It is not possible."}


async def test_a_commit_whose_connection_broke_is_no_refusal(jobs_of: Queue) -> None:
    """It was made durable, or it was not: a job that has not ended is done again, and nothing of it is lost."""

    def lose(work: Work) -> None:
        raise OutcomeUnknown

    jobs_of.does(lose)
    job = await jobs_of.add()
    await jobs_of.runner.run_waiting()
    again = await jobs_of.get(job)
    assert (again.state, again.attempts, again.finished_at) == ("queued", 1, None)
    assert again.error is not None and again.error["code"] == "job_interrupted"


async def test_an_attempt_that_takes_too_long_ends(jobs_of: Queue) -> None:
    async def hang(work: Work) -> None:
        await asyncio.Event().wait()

    jobs_of.does(hang)
    job = await jobs_of.add(kind="test.short")
    await jobs_of.runner.run_waiting()
    late = await jobs_of.get(job)
    assert late.state == "queued"
    assert late.error is not None and late.error["code"] == "job_timed_out"


async def test_a_lease_that_ran_out_is_swept_up_and_a_poison_job_dies(jobs_of: Queue) -> None:
    job = await jobs_of.add()
    for attempt in (1, 2, 3):
        (taken,) = await jobs_of.claim()
        assert taken.attempts == attempt
        await jobs_of.set(job, lease_until=func.clock_timestamp() - timedelta(seconds=1))
        await jobs_of.runner.sweep()
        await jobs_of.set(job, run_at=func.clock_timestamp())
    dead = await jobs_of.get(job)
    assert (dead.state, dead.attempts) == ("dead", 3)
    assert dead.error is not None and dead.error["code"] == "job_worker_lost"
    assert await jobs_of.claim() == []


async def test_a_job_that_somebody_holds_keeps_no_other_from_being_swept_up(jobs_of: Queue) -> None:
    """A worker may stand still in the middle of a transaction, for as long as PostgreSQL keeps its connection."""
    for _ in range(2):
        await jobs_of.add()
    held, other = await jobs_of.claim(2)
    for job in (held, other):
        await jobs_of.set(job, lease_until=func.clock_timestamp() - timedelta(seconds=1))
    async with jobs_of.database.within(of_project(INSTANCE)).session() as session:
        assert await claiming.hold(session, held) is False
        async with asyncio.timeout(20):
            await jobs_of.runner.sweep()
        assert (await jobs_of.get(other)).state == "queued"
        assert (await jobs_of.get(held)).state == "running"
    await jobs_of.runner.sweep()
    assert (await jobs_of.get(held)).state == "queued"


async def test_who_lost_the_lease_changes_nothing_any_more(jobs_of: Queue) -> None:
    job = await jobs_of.add()
    (stale,) = await jobs_of.claim()
    await jobs_of.set(job, lease_until=func.clock_timestamp() - timedelta(seconds=1))
    await jobs_of.runner.sweep()
    await jobs_of.set(job, run_at=func.clock_timestamp())
    (fresh,) = await jobs_of.claim()
    async with jobs_of.database.within(of_project(INSTANCE)).session() as session:
        assert not await claiming.settle(session, stale, JobStatus.DONE)
        assert await claiming.renew(session, stale, LEASE, "x", 1, 2) is None
        assert not await claiming.put_back(session, stale, timedelta(), None)
        assert await claiming.renew(session, fresh, LEASE, "x", 1, 2) is False
    running = await jobs_of.get(job)
    assert (running.state, running.phase, running.done, running.total) == ("running", "x", 1, 2)
    assert running.renewals == 1


async def test_the_end_of_a_job_and_what_it_writes_happen_together(jobs_of: Queue) -> None:
    """What the function writes in the transaction in which it says so is undone with a lease that was lost."""
    other = await jobs_of.add(run_at=_later())

    async def lose(work: Work) -> None:
        await jobs_of.set(work.job, attempts=work.job.attempts + 1)
        async with work.own.session() as session:
            await session.execute(
                update(jobs).where(jobs.c.job_id == other.job_id).values(phase="written")
            )
            await work.complete(session, {"x": 1})

    jobs_of.does(lose)
    job = await jobs_of.add()
    await jobs_of.runner.run_waiting()
    assert (await jobs_of.get(job)).state == "running"
    assert (await jobs_of.get(other)).phase == "queued"

    async def write(work: Work) -> None:
        async with work.own.session() as session:
            await session.execute(
                update(jobs).where(jobs.c.job_id == other.job_id).values(phase="written")
            )
            await work.complete(session, {"x": 1})

    jobs_of.does(write)
    second = await jobs_of.add()
    await jobs_of.runner.run_waiting()
    done = await jobs_of.get(second)
    assert (done.state, done.result) == ("done", {"x": 1})
    assert (await jobs_of.get(other)).phase == "written"


def _later() -> Any:
    return func.clock_timestamp() + timedelta(hours=1)


async def test_cancelling_ends_a_job_that_waits_at_once_and_one_under_way_soon(
    jobs_of: Queue,
) -> None:
    waiting = await jobs_of.add(run_at=_later())
    inside = jobs_of.database.within(of_project(INSTANCE))
    async with inside.session() as session:
        assert (await queue.cancel(session, INSTANCE, waiting.job_id)).state == "cancelled"
    with pytest.raises(queue.JobStateWrong):
        async with inside.session() as session:
            await queue.cancel(session, INSTANCE, waiting.job_id)

    began = asyncio.Event()

    async def hang(work: Work) -> None:
        began.set()
        await asyncio.Event().wait()

    jobs_of.does(hang)
    job = await jobs_of.add()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(jobs_of.runner.run_waiting())
        await began.wait()
        async with inside.session() as session:
            assert (await queue.cancel(session, INSTANCE, job.job_id)).state == "running"
    assert (await jobs_of.get(job)).state == "cancelled"


async def test_several_workers_take_each_job_once(jobs_of: Queue) -> None:
    projects = [new_id() for _ in range(5)]
    for number in range(40):
        await jobs_of.add(projects[number % 5])

    async def drain() -> list[UUID]:
        taken: list[UUID] = []
        for _ in range(40):
            taken += [job.job_id for job in await jobs_of.claim(3)]
        return taken

    taken = [one for part in await asyncio.gather(*(drain() for _ in range(4))) for one in part]
    assert len(taken) == len(set(taken)) == 40


async def test_a_kind_that_nobody_here_knows_is_left_to_others(jobs_of: Queue) -> None:
    job = await jobs_of.add()
    await jobs_of.set(job, kind="newer.version")
    assert await jobs_of.claim() == []


async def test_a_file_is_kept_in_pieces_until_it_expires(jobs_of: Queue) -> None:
    async def make(work: Work) -> None:
        for letter in b"abc":
            await work.write(bytes([letter]) * 900_000)
        await work.name_file("x.bin", "application/octet-stream")

    jobs_of.does(make)
    job = await jobs_of.add()
    await jobs_of.runner.run_waiting()
    done = await jobs_of.get(job)
    assert done.result == {
        "file_name": "x.bin",
        "media_type": "application/octet-stream",
        "size": 2_700_000,
    }
    read, ordinal = b"", 0
    async with jobs_of.database.within(of_project(INSTANCE)).session() as session:
        while (piece := await claiming.read_piece(session, done, ordinal)) is not None:
            read, ordinal = read + piece, ordinal + 1
    assert (len(read), ordinal) == (2_700_000, 2)
    await jobs_of.set(job, expires_at=func.clock_timestamp())
    task = jobs_of.database.within(of_task("jobs"))
    async with task.session() as session:
        assert await claiming.forget_expired(session, 10) == 1
    with pytest.raises(queue.JobNotFound):
        await jobs_of.get(job)


async def test_a_redaction_leaves_no_file_and_begins_what_runs_anew(jobs_of: Queue) -> None:
    async def make(work: Work) -> None:
        await work.write(b"secret")
        await work.name_file("x", "text/plain")

    jobs_of.does(make)
    project = new_id()
    done = await jobs_of.add(project)
    await jobs_of.runner.run_waiting()
    running = await jobs_of.add(project)
    (taken,) = await jobs_of.claim()
    async with jobs_of.database.within(of_project(project)).session() as session:
        await claiming.store_piece(session, taken, 0, b"secret")
        await queue.drop_results(session, project)
        assert await session.scalar(select(func.count()).select_from(job_results)) == 0
        assert not await claiming.settle(session, taken, JobStatus.DONE)
    assert (await jobs_of.get(done)).result is None
    assert (await jobs_of.get(running)).state == "queued"


async def test_a_worker_that_is_asked_to_stop_gives_its_jobs_up_at_once(jobs_of: Queue) -> None:
    began = asyncio.Event()

    async def hang(work: Work) -> None:
        began.set()
        await asyncio.Event().wait()

    jobs_of.does(hang)
    job = await jobs_of.add()
    working = asyncio.create_task(jobs_of.runner.run())
    async with asyncio.timeout(20):
        await began.wait()
        working.cancel()
        await asyncio.wait([working])
    given_up = await jobs_of.get(job)
    assert (given_up.state, given_up.attempts, given_up.most_attempts) == ("queued", 1, 4)


async def test_progress_is_written_while_there_is_any(jobs_of: Queue) -> None:
    """Sooner than the lease is due; what does not get on writes nothing meanwhile."""
    seen: dict[str, tuple[str, int, int]] = {}

    async def work(work: Work) -> None:
        async def note(name: str) -> None:
            await asyncio.sleep(PROGRESS_SECONDS * 2.4)
            job = await jobs_of.get(work.job)
            seen[name] = (job.phase, job.done, job.renewals)

        await note("idle")
        work.enter("counting", 7)
        await note("entered")
        work.advance(3)
        await note("advanced")

    jobs_of.does(work)
    job = await jobs_of.add()
    changed: list[tuple[str, str]] = []
    end = on_changed(jobs_of.database, lambda one: changed.append((str(one.job_id), one.state)))
    assert await jobs_of.runner.run_waiting() == 1
    end()
    assert seen["idle"] == ("running", 0, 0)
    assert seen["entered"][:2] == ("counting", 0) and seen["advanced"][:2] == ("counting", 3)
    assert 2 <= seen["advanced"][2] <= 4
    # Taken, got on twice, done; a lease that is renewed alone is no news.
    assert [one for one, _ in changed] == [str(job.job_id)] * 4


async def test_a_bell_starts_a_job_sooner_than_the_poll(
    jobs_of: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reqtrail.platform.jobs.runner.POLL_SECONDS", 60.0)
    ran = asyncio.Event()
    jobs_of.does(lambda work: ran.set())
    end = queue.on_queued(jobs_of.database, lambda project_id: jobs_of.runner.wake())
    working = asyncio.create_task(jobs_of.runner.run())
    try:
        await asyncio.sleep(0.2)
        await jobs_of.add()
        async with asyncio.timeout(5):
            await ran.wait()
    finally:
        end()
        working.cancel()
        await asyncio.wait([working])
