"""What a process tells Prometheus of itself: true counts, few labels, and nothing about anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from reqtrail.platform import metrics
from reqtrail.platform.database.engine import make_engine
from reqtrail.platform.settings import Settings
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


def sampled() -> Callable[..., float]:
    """Return what is exposed now: a function of a sample's name and labels; 0.0 for one that is not there."""
    exposed = generate_latest(metrics.registry).decode()
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(exposed)
        for sample in family.samples
    }

    def value(name: str, **labels: str) -> float:
        return samples.get((f"reqtrail_{name}", tuple(sorted(labels.items()))), 0.0)

    return value


async def test_requests_are_counted_by_operation_and_status(world: World) -> None:
    owner = await world.user()
    key = await world.project(owner)
    before = sampled()
    for _ in range(3):
        assert (await owner.get(f"/projects/{key}")).status_code == 200
    assert (await owner.get("/projects/NOPE")).status_code == 404
    assert (await owner.get("/nowhere")).status_code == 404
    after = sampled()

    def grown(name: str, **labels: str) -> float:
        return after(name, **labels) - before(name, **labels)

    assert grown("http_requests_total", operation="get_project", status="200") == 3
    assert grown("http_requests_total", operation="get_project", status="404") == 1
    assert grown("http_requests_total", operation="other", status="404") == 1
    assert grown("http_request_seconds_count", operation="get_project") == 4
    assert after("http_requests_open") == before("http_requests_open")
    assert grown("database_statement_seconds_count") >= 4
    assert after("database_connections", pool="primary", state="idle") >= 1
    assert grown("database_wait_seconds_count", pool="primary") >= 4


async def test_who_waits_for_a_connection_is_told(settings: Settings) -> None:
    assert settings.database_url is not None
    engine = make_engine(settings.database_url, pool_size=1, pool="tested")
    before = sampled()
    held = [await engine.connect().start() for _ in range(2)]
    assert sampled()("database_pool_size", pool="tested") == 2
    assert sampled()("database_connections", pool="tested", state="used") == 2
    late = asyncio.create_task(engine.connect().start())
    async with asyncio.timeout(10):
        while sampled()("database_waiting", pool="tested") != 1:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    await held.pop().close()
    await (await late).close()
    await held.pop().close()
    after = sampled()
    assert after("database_waiting", pool="tested") == 0
    assert after("database_connections", pool="tested", state="used") == 0
    waited = after("database_wait_seconds_sum", pool="tested")
    assert waited - before("database_wait_seconds_sum", pool="tested") >= 0.2
    await engine.dispose()


async def test_commits_caches_and_errors_are_counted(world: World) -> None:
    owner = await world.user()
    key = await world.project(owner)
    before = sampled()
    answer = await owner.post(f"/projects/{key}/documents", json={"title": "A document"})
    path = f"/projects/{key}/documents/{answer.json()['id']}/outline"
    for _ in range(2):
        assert (await owner.get(path)).status_code == 200
    with pytest.raises(ProgrammingError):
        async with world.database.session() as session:
            await session.execute(text("SELECT nonsense"))
    after = sampled()

    def grown(name: str, **labels: str) -> float:
        return after(name, **labels) - before(name, **labels)

    assert grown("commits_total") == 1
    asked = sum(
        grown("cache_lookups_total", cache="outlines", outcome=one) for one in ("hit", "miss")
    )
    assert asked >= 1
    assert grown("database_errors_total", sqlstate_class="42") == 1


async def test_nothing_is_told_of_anybody(world: World) -> None:
    owner = await world.user(name="Zyzzyva")
    key = await world.project(owner, name="Quixotry")
    await owner.get(f"/projects/{key}")
    await owner.get(f"/projects/{key}/items/{key}-1")
    exposed = generate_latest(metrics.registry).decode()
    for secret in (key, "Zyzzyva", "Quixotry", owner.user.email, str(owner.user.user_id)):
        assert secret not in exposed


async def test_work_of_a_queue_is_counted_by_what_came_of_it() -> None:
    async def job(was_one: bool) -> bool:
        return was_one

    async def failing() -> bool:
        raise ValueError("it cannot be done")

    before = sampled()
    assert await metrics.counted("sample", job(True)) is True
    assert await metrics.counted("sample", job(False)) is False
    with pytest.raises(ValueError, match="it cannot be done"):
        await metrics.counted("sample", failing())
    metrics.note_queue("sample", 7, 1.5)
    after = sampled()
    outcomes = {
        outcome: after("jobs_total", queue="sample", outcome=outcome)
        - before("jobs_total", queue="sample", outcome=outcome)
        for outcome in ("done", "failed")
    }
    assert outcomes == {"done": 1, "failed": 1}
    assert after("queue_length", queue="sample") == 7
    assert after("queue_age_seconds", queue="sample") == 1.5
