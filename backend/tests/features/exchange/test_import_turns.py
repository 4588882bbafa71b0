"""Imports wait their turn among all jobs: those of one project do not hold up another."""

from __future__ import annotations

import asyncio

import pytest

from reqtrail.platform.jobs.runner import Runner
from tests.features.exchange.sample import sample
from tests.features.exchange.trade import Json, Trade, nothing_waits
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio

MANY = 50
LIMIT_SECONDS = 60.0


async def test_fifty_imports_do_not_hold_up_the_import_and_the_export_of_another_project(
    world: World,
) -> None:
    """A worker with two hands is in the middle of them when the others come, and does those next."""
    await nothing_waits(world)
    busy, other = await Trade.make(world), await Trade.make(world)
    many = [await busy.send(sample(), mode="dry_run") for _ in range(MANY)]

    async def left() -> set[str]:
        jobs = (await busy.get("/jobs", state="queued", limit=200))["jobs"]
        return {job["id"] for job in jobs}

    async def ended(trade: Trade, job: Json) -> Json:
        while (found := await trade.get(f"/jobs/{job['id']}"))["state"] in ("queued", "running"):
            await asyncio.sleep(0.02)
        return found

    runner = Runner(world.database, world.app.state.settings, at_once=2)
    working = asyncio.create_task(runner.run())
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            await ended(busy, many[2])
            alone = await other.send(sample())
            asked = await other.client.post(f"/projects/{other.key}/exports", json={})
            before = await left()
            runner.wake()
            for job in (asked.json(), alone):
                assert (await ended(other, job))["state"] == "done"
            begun_between = len(before) - len(await left())
    finally:
        working.cancel()
        await asyncio.wait([working])
    assert len(before) > 20
    # One may have been taken up just before they came, and one while each of the two was being done.
    assert begun_between <= 3
    for job in many:
        await busy.client.post(f"/projects/{busy.key}/imports/{job['id']}/cancel")
    await nothing_waits(world)
