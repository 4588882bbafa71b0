"""Tasks that end when they are told to, and that go on until then."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from reqtrail.platform import background
from reqtrail.platform.background import end_task, keep_running

pytestmark = pytest.mark.anyio


async def test_a_task_that_takes_a_cancellation_for_a_fault_is_ended_all_the_same() -> None:
    faults = 0

    async def stubborn() -> None:
        nonlocal faults
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                faults += 1
                if faults > 1:
                    raise

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await end_task(task)
    assert (faults, task.cancelled()) == (2, True)


async def test_a_task_that_failed_is_ended_without_an_error() -> None:
    async def failing() -> None:
        raise ValueError("it said so already")

    task = asyncio.create_task(failing())
    await asyncio.sleep(0)
    await end_task(task)
    assert task.done()


async def test_work_that_crashes_begins_anew_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "RESTART_SECONDS", 0.0)
    done, tries = asyncio.Event(), 0

    async def work() -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise TypeError("nobody expected this")
        done.set()
        await asyncio.sleep(60)

    with capture_logs() as logs:
        task = keep_running(work, "sample")
        async with asyncio.timeout(10):
            await done.wait()
    await end_task(task)
    assert (tries, task.cancelled()) == (3, True)
    said = [(line["event"], line["task"], line["log_level"]) for line in logs]
    assert said == [("task_crashed", "sample", "error")] * 2
