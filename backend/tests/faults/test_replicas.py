"""Reads at real standbys: nobody misses what they wrote, and one that is behind, dead or promoted serves nobody."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from reqtrail.entrypoints.web import create_app
from reqtrail.platform.database.positions import DEGRADED_HEADER, POSITION_HEADER
from reqtrail.platform.metrics import registry
from reqtrail.platform.settings import Settings
from tests.fixtures.api import World
from tests.fixtures.sockets import listening, served
from tests.fixtures.standby import Server, Standby, caught_up, replicated, urls_of

pytestmark = [pytest.mark.anyio]

NOTHING_WRITTEN = {POSITION_HEADER: "0/0"}
WAIT_SECONDS = 15.0
STILL_SECONDS = 4.0
"""Longer than a read may take at a replica."""


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, list[Standby]]]:
    with replicated() as made:
        yield made


@pytest.fixture
def primary(servers: tuple[Server, list[Standby]]) -> Server:
    servers[0].start()
    return servers[0]


@pytest.fixture
def standby(servers: tuple[Server, list[Standby]], primary: Server) -> Standby:
    made = servers[1][0]
    made.start()
    made.resume()
    assert caught_up(primary, made)
    return made


@asynccontextmanager
async def running_app(
    settings: Settings, home: Path, primary: str, *replicas: str, **more: float
) -> AsyncIterator[World]:
    """Run the application on *primary* and *replicas*, and wait until these are read."""
    changed = {
        "database_url": primary,
        "database_replica_urls": replicas,
        "home": home,
        "database_pool_size": 4,
        **more,
    }
    app = create_app(settings.model_copy(update=changed))
    async with app.router.lifespan_context(app):
        world = World(app)
        if replicas:
            await until(lambda: rotation() == 1, "the replica is not read")
            await marks_are_known(world)
        try:
            yield world
        finally:
            await world.aclose()


@pytest.fixture
async def world(
    settings: Settings, tmp_path: Path, primary: Server, standby: Standby
) -> AsyncIterator[World]:
    lag = {"database_replica_lag_seconds": 4.0}  # the machine that runs the tests is busy
    async with running_app(settings, tmp_path, primary.url(), standby.url(), **lag) as made:
        yield made


async def marks_are_known(world: World) -> None:
    """Wait until the process knows that it sees all marks of changed access."""
    marks, replicas = world.database.marks, world.database.replicas
    assert marks is not None and replicas is not None
    async with asyncio.timeout(WAIT_SECONDS):
        while await marks.needed((), replicas.sampled_after) is None:
            await asyncio.sleep(0.02)


async def until(holds: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, complaint
        await asyncio.sleep(0.02)


def rotation(replica: str = "1") -> float:
    labels = {"replica": replica}
    return registry.get_sample_value("reqtrail_replica_in_rotation", labels) or 0.0


def reads(target: str) -> float:
    return registry.get_sample_value("reqtrail_database_reads_total", {"target": target}) or 0.0


async def target_of(read: Callable[[], Awaitable[httpx.Response]]) -> tuple[str, httpx.Response]:
    """Return where *read* went, and what it was answered."""
    names = ("primary", "replica", "alone")
    before = [reads(name) for name in names]
    answer = await read()
    (went,) = [n for n, count in zip(names, before, strict=True) if reads(n) != count]
    return went, answer


async def rename(client: httpx.AsyncClient, key: str, name: str) -> str:
    """Rename a project; return the position of that."""
    answer = await client.patch(f"/projects/{key}", json={"name": name})
    assert answer.status_code == 200, answer.text
    return answer.headers[POSITION_HEADER]


async def test_reads_go_to_the_replica_behind_the_wall(
    world: World, primary: Server, standby: Standby
) -> None:
    owner, outsider = await world.user(), await world.user()
    key = await world.project(owner)
    assert caught_up(primary, standby)
    for client, status in ((owner, 200), (outsider, 404)):
        went, answer = await target_of(
            lambda: client.get(f"/projects/{key}", headers=NOTHING_WRITTEN)  # noqa: B023
        )
        assert (went, answer.status_code) == ("replica", status)
        assert POSITION_HEADER not in answer.headers and DEGRADED_HEADER not in answer.headers
    listed = await outsider.get("/projects", headers=NOTHING_WRITTEN)
    assert key not in listed.text


async def test_a_client_without_positions_reads_from_the_primary(
    world: World, standby: Standby
) -> None:
    owner = await world.user()
    key = await world.project(owner)
    standby.pause()
    await rename(owner, key, "Anew")
    for headers in ({}, {POSITION_HEADER: "nonsense"}, {POSITION_HEADER: "1/2/3"}):
        went, answer = await target_of(
            lambda: owner.get(f"/projects/{key}", headers=headers)  # noqa: B023
        )
        assert (went, answer.json()["name"]) == ("primary", "Anew")


async def test_whoever_wrote_reads_it_while_the_replica_lags(
    world: World, primary: Server, standby: Standby
) -> None:
    owner = await world.user()
    key = await world.project(owner, "Before")
    assert caught_up(primary, standby)
    standby.pause()
    position = await rename(owner, key, "After")
    went, answer = await target_of(
        lambda: owner.get(f"/projects/{key}", headers={POSITION_HEADER: position})
    )
    assert (went, answer.json()["name"]) == ("primary", "After")
    # Somebody else may be shown what was, for a moment.
    went, answer = await target_of(lambda: owner.get(f"/projects/{key}", headers=NOTHING_WRITTEN))
    assert (went, answer.json()["name"]) == ("replica", "Before")
    standby.resume()
    assert caught_up(primary, standby)
    went, answer = await target_of(
        lambda: owner.get(f"/projects/{key}", headers={POSITION_HEADER: position})
    )
    assert (went, answer.json()["name"]) == ("replica", "After")


async def test_a_socket_tells_what_the_reads_that_follow_have_to_show(
    world: World, standby: Standby
) -> None:
    owner = await world.user()
    key = await world.project(owner)
    editor = await world.member(key, "editor")
    async with served(world.app) as port, listening(port, owner) as listener:
        await listener.watch(key)
        await asyncio.to_thread(standby.pause)
        await editor.post(f"/projects/{key}/documents", json={"title": "Told"})
        told = await listener.next("commit")
        went, answer = await target_of(
            lambda: owner.get(
                f"/projects/{key}/documents", headers={POSITION_HEADER: told["position"]}
            )
        )
    assert went == "primary" and "Told" in answer.text


async def test_a_hundred_writes_are_each_read_at_once(world: World) -> None:
    owner = await world.user()
    key = await world.project(owner)
    went: Counter[str] = Counter()
    for number in range(100):
        position = await rename(owner, key, f"Name {number}")
        target, answer = await target_of(
            lambda: owner.get(f"/projects/{key}", headers={POSITION_HEADER: position})  # noqa: B023
        )
        went[target] += 1
        assert answer.json()["name"] == f"Name {number}"
    assert went["replica"] > 0, went


async def test_a_replica_that_lags_leaves_within_the_limit_and_comes_back(
    settings: Settings, tmp_path: Path, primary: Server, standby: Standby
) -> None:
    async with running_app(settings, tmp_path, primary.url(), standby.url()) as world:
        owner = await world.user()
        key = await world.project(owner, "Before")
        member = await world.member(key, "viewer")
        assert caught_up(primary, standby)
        standby.pause()
        await rename(owner, key, "After")
        renamed_at = time.monotonic()
        names: Counter[str] = Counter()
        while "After" not in names and time.monotonic() - renamed_at < 5:
            answer = await member.get(f"/projects/{key}", headers=NOTHING_WRITTEN)
            names[answer.json()["name"]] += 1
            await asyncio.sleep(0.05)
        assert time.monotonic() - renamed_at < 4 and set(names) == {"Before", "After"}, names
        await until(lambda: rotation() == 0, "the replica that lags is read")
        standby.resume()
        await until(lambda: rotation() == 1, "the replica does not come back")


async def test_a_replica_that_is_killed_fails_no_read(
    world: World, primary: Server, standby: Standby
) -> None:
    owner = await world.user()
    key = await world.project(owner)
    assert caught_up(primary, standby)
    statuses: Counter[int] = Counter()
    is_over = asyncio.Event()

    async def read() -> None:
        while not is_over.is_set():
            answer = await owner.get(f"/projects/{key}", headers=NOTHING_WRITTEN)
            statuses[answer.status_code] += 1

    readers = [asyncio.create_task(read()) for _ in range(4)]
    await asyncio.sleep(0.5)
    before = reads("replica")
    assert before > 0
    await asyncio.to_thread(standby.kill)
    await until(lambda: rotation() == 0, "the dead replica is read")
    await asyncio.to_thread(standby.start)
    await until(lambda: rotation() == 1, "the replica does not come back")
    before = reads("replica")
    await until(lambda: reads("replica") > before, "the replica that is back is not read")
    is_over.set()
    await asyncio.gather(*readers)
    assert set(statuses) == {200}


async def test_a_replica_that_stands_still_holds_reads_up_for_a_bounded_time(
    settings: Settings, tmp_path: Path, primary: Server, standby: Standby
) -> None:
    """Reads that it has taken are made again at the primary; then it is left, and read again when it goes on."""
    limits = {"database_replica_lag_seconds": 4.0, "database_replica_read_seconds": 2.0}
    taken: list[tuple[int, float]] = []
    is_over = asyncio.Event()

    async def read(owner: httpx.AsyncClient, key: str) -> None:
        while not is_over.is_set():
            began = time.monotonic()
            answer = await owner.get(f"/projects/{key}", headers=NOTHING_WRITTEN)
            taken.append((answer.status_code, time.monotonic() - began))

    async with running_app(settings, tmp_path, primary.url(), standby.url(), **limits) as world:
        owner = await world.user()
        key = await world.project(owner)
        assert caught_up(primary, standby)
        before = reads("replica")
        readers = [asyncio.create_task(read(owner, key)) for _ in range(4)]
        await asyncio.sleep(0.5)
        assert reads("replica") > before
        with standby.frozen():
            await until(lambda: rotation() == 0, "a replica that stands still is read")
            await asyncio.sleep(STILL_SECONDS)
            count = len(taken)
            await asyncio.sleep(1)
            assert len(taken) > count + 4
        await until(lambda: rotation() == 1, "the replica does not come back")
        is_over.set()
        await asyncio.gather(*readers)
    assert {status for status, _ in taken} == {200}
    longest = max(seconds for _, seconds in taken)
    assert longest < limits["database_replica_read_seconds"] + 2


async def test_reads_go_on_while_the_primary_is_away(
    settings: Settings, tmp_path: Path, primary: Server, standby: Standby
) -> None:
    async with running_app(settings, tmp_path, primary.url(), standby.url()) as world:
        owner = await world.user()
        key = await world.project(owner, "Kept")
        assert caught_up(primary, standby)
        standby.pause()
        unseen = await rename(owner, key, "Not applied")
        await asyncio.to_thread(primary.kill)
        await until(lambda: world.database.primary.is_away, "nobody notices")
        path = f"/projects/{key}"
        read = await owner.get(path, headers=NOTHING_WRITTEN)
        assert (read.status_code, read.json()["name"]) == (200, "Kept")
        assert read.headers[DEGRADED_HEADER] == "read-only"
        assert (await owner.get(path)).headers[DEGRADED_HEADER] == "read-only"
        # Nobody is shown less than they saved.
        refused = await owner.get(path, headers={POSITION_HEADER: unseen})
        assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
        write = await owner.patch(
            path, json={"name": "Lost"}, headers={"Idempotency-Key": "k" * 20}
        )
        assert (write.status_code, write.json()["code"]) == (503, "database_unavailable")
        assert int(write.headers["Retry-After"]) > 0
        ready = await world.anonymous().get("/health/ready")
        assert (ready.status_code, ready.json()["database"]) == (200, "read-only")
        assert (await world.anonymous().get("/health/live")).status_code == 200

        await asyncio.to_thread(primary.start)
        standby.resume()
        await until(lambda: rotation() == 1, "the primary does not come back")
        write = await owner.patch(
            path, json={"name": "Lost"}, headers={"Idempotency-Key": "k" * 20}
        )
        assert write.status_code == 200
        read = await owner.get(path)
        assert read.json()["name"] == "Lost" and DEGRADED_HEADER not in read.headers
        assert (await world.anonymous().get("/health/ready")).json()["database"] == "ok"


async def test_replicas_serve_alone_only_for_so_long(
    settings: Settings, tmp_path: Path, primary: Server, standby: Standby
) -> None:
    limits = {"database_replica_alone_seconds": 0.0, "database_replica_lag_seconds": 0.9}
    async with running_app(settings, tmp_path, primary.url(), standby.url(), **limits) as world:
        owner = await world.user()
        key = await world.project(owner)
        assert caught_up(primary, standby)
        await asyncio.to_thread(primary.kill)
        await asyncio.sleep(1)
        answer = await owner.get(f"/projects/{key}", headers=NOTHING_WRITTEN)
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert (await world.anonymous().get("/health/ready")).status_code == 503


async def test_writes_follow_a_promoted_standby(settings: Settings, tmp_path: Path) -> None:
    """What is promoted is no replica any more, and another one is only as it follows the history that goes on."""
    with replicated(2) as (primary, (promoted, other)):
        hosts = urls_of(primary, promoted)
        async with running_app(settings, tmp_path, hosts, promoted.url(), other.url()) as world:
            owner = await world.user()
            key = await world.project(owner, "Before")
            assert caught_up(primary, promoted) and caught_up(primary, other)
            await until(lambda: rotation("2") == 1, "the other replica is not read")
            primary.kill()
            await asyncio.to_thread(promoted.promote)
            name = f"After {uuid4()}"
            position = await first_saved(owner, key, name)
            path = f"/projects/{key}"
            went, read = await target_of(
                lambda: owner.get(path, headers={POSITION_HEADER: position})
            )
            assert (went, read.json()["name"]) == ("primary", name)
            await until(lambda: rotation() == 0, "what was promoted is a replica still")
            await until(lambda: rotation("2") == 0, "a replica of the lost primary is read")
            went, read = await target_of(lambda: owner.get(path, headers=NOTHING_WRITTEN))
            assert (went, read.json()["name"]) == ("primary", name)
            await asyncio.to_thread(other.follow, promoted)
            await until(lambda: rotation("2") == 1, "the replica of the new primary is not read")
            went, read = await target_of(
                lambda: owner.get(path, headers={POSITION_HEADER: position})
            )
            assert (went, read.json()["name"]) == ("replica", name)
            assert promoted.ask("SELECT count(*) FROM projects WHERE name LIKE 'After%'") == 1


async def first_saved(client: httpx.AsyncClient, key: str, name: str) -> str:
    """Rename a project as soon as that is possible; return the position of that."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        answer = await client.patch(f"/projects/{key}", json={"name": name})
        if answer.status_code == 200:
            return answer.headers[POSITION_HEADER]
        assert answer.status_code == 503 and time.monotonic() < deadline, answer.text
        await asyncio.sleep(0.1)
