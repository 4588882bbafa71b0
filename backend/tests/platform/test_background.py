"""A task that ends when it is told to."""

from __future__ import annotations

import asyncio

import pytest

from reqtrail.platform.background import end_task

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
