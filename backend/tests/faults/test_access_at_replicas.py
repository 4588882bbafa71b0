"""What was taken from somebody is gone in the next request, although the replica does not know of it yet."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from reqtrail.entrypoints.cli import app as command_line
from reqtrail.entrypoints.embedded.valkey import EmbeddedValkey
from reqtrail.platform.database.access_marks import LONGEST_LAG_SECONDS
from reqtrail.platform.redis import make_redis
from reqtrail.platform.settings import Settings
from tests.fixtures.api import PASSWORD, Client, World
from tests.fixtures.standby import Server, Standby, caught_up, replicated
from tests.faults.test_redis_stands_still import standing_still
from tests.faults.test_replicas import NOTHING_WRITTEN, running_app, target_of, until

pytestmark = [pytest.mark.anyio]

Take = Callable[["Story"], Awaitable[httpx.Response]]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, list[Standby]]]:
    with replicated() as made:
        yield made


@pytest.fixture(scope="module")
def running_valkey() -> Iterator[EmbeddedValkey]:
    with tempfile.TemporaryDirectory(prefix="rt-") as folder:  # short, for the socket's path
        os.chmod(folder, 0o711)
        made = EmbeddedValkey(Path(folder) / "valkey")
        yield made
        made.stop()


@pytest.fixture
def valkey(running_valkey: EmbeddedValkey) -> EmbeddedValkey:
    running_valkey.start()
    return running_valkey


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


@pytest.fixture
async def world(
    settings: Settings, tmp_path: Path, primary: Server, standby: Standby, valkey: EmbeddedValkey
) -> AsyncIterator[World]:
    changed = settings.model_copy(update={"redis_url": valkey.url()})
    lag = {"database_replica_lag_seconds": 4.0}  # the machine that runs the tests is busy
    async with running_app(changed, tmp_path, primary.url(), standby.url(), **lag) as made:
        yield made


def read(client: httpx.AsyncClient, key: str) -> Callable[[], Awaitable[httpx.Response]]:
    return lambda: client.get(f"/projects/{key}", headers=NOTHING_WRITTEN)


async def at_replica(client: httpx.AsyncClient, key: str) -> None:
    """Wait until *client* is answered by the replica: nothing that concerns it has changed a moment ago."""
    deadline = time.monotonic() + 15
    while True:
        went, answer = await target_of(read(client, key))
        assert answer.status_code == 200, answer.text
        if went == "replica":
            return
        assert time.monotonic() < deadline, "the replica is not read"
        await asyncio.sleep(0.05)


@dataclass(frozen=True)
class Story:
    """Somebody whose access is taken, and who may take it; all have signed in before the replica falls behind."""

    key: str
    person: Client
    elsewhere: Client
    administrator: Client


async def end_session(person: Client) -> httpx.Response:
    return await person.delete(f"/me/sessions/{person.family_id}")


async def switch_off(administrator: Client, person: Client) -> httpx.Response:
    return await administrator.patch(f"/users/{person.user.user_id}", json={"active": False})


async def sign_out(story: Story) -> httpx.Response:
    return await end_session(story.person)


async def sign_out_everywhere(story: Story) -> httpx.Response:
    return await story.elsewhere.delete("/me/sessions")


async def change_password(story: Story) -> httpx.Response:
    body = {"current": PASSWORD, "new": "another horse battery"}
    return await story.elsewhere.post("/me/password", json=body)


async def deactivate(story: Story) -> httpx.Response:
    return await switch_off(story.administrator, story.person)


async def remove(story: Story) -> httpx.Response:
    path = f"/projects/{story.key}/members/{story.person.user.user_id}"
    return await story.administrator.delete(path)


TAKEN: list[tuple[Take, int]] = [
    (sign_out, 401),
    (sign_out_everywhere, 401),
    (change_password, 401),
    (deactivate, 401),
    (remove, 404),
]


@pytest.mark.parametrize(("take", "status"), TAKEN)
async def test_what_is_taken_is_gone_at_once(
    world: World, standby: Standby, primary: Server, take: Take, status: int
) -> None:
    owner = await world.user()
    key = await world.project(owner)
    person = await world.member(key, "viewer")
    elsewhere = await world.sign_in_as(person.user)
    story = Story(key, person, elsewhere, await world.administrator())
    await at_replica(person, key)
    await at_replica(owner, key)
    standby.pause()
    answer = await take(story)
    assert answer.status_code < 300, answer.text
    went, answer = await target_of(read(person, key))
    assert (went, answer.status_code) == ("primary", status)
    # Whom it does not concern goes on to read where they did.
    went, answer = await target_of(read(owner, key))
    assert (went, answer.status_code) == ("replica", 200)
    standby.resume()
    assert caught_up(primary, standby)


async def test_an_api_token_that_is_revoked(world: World, standby: Standby) -> None:
    owner = await world.user()
    key = await world.project(owner)
    made = (await owner.post("/me/tokens", json={"name": "CI"})).json()
    machine = world.anonymous()
    machine.headers["Authorization"] = f"Bearer {made['token']}"
    await at_replica(machine, key)
    standby.pause()
    answer = await owner.delete(f"/me/tokens/{made['id']}")
    assert answer.status_code < 300, answer.text
    went, answer = await target_of(read(machine, key))
    assert (went, answer.status_code) == ("primary", 401)


async def test_an_api_token_of_an_account_that_is_switched_off(
    world: World, standby: Standby
) -> None:
    owner = await world.user()
    key = await world.project(owner)
    made = (await owner.post("/me/tokens", json={"name": "CI"})).json()
    machine = world.anonymous()
    machine.headers["Authorization"] = f"Bearer {made['token']}"
    await at_replica(machine, key)
    standby.pause()
    assert (await switch_off(await world.administrator(), owner)).status_code == 200
    went, answer = await target_of(read(machine, key))
    assert (went, answer.status_code) == ("primary", 401)


async def test_a_group_that_loses_its_role(world: World, standby: Standby) -> None:
    owner, administrator = await world.user(), await world.administrator()
    key = await world.project(owner)
    group = (await administrator.post("/groups", json={"name": f"Group of {key}"})).json()
    person = await world.user()
    place = f"/groups/{group['id']}/members/{person.user.user_id}"
    assert (await administrator.put(place, json={"manages": False})).status_code == 200
    grant = f"/projects/{key}/groups/{group['id']}"
    given = await administrator.put(grant, json={"role": "viewer"})
    assert given.status_code == 200, given.text
    await at_replica(person, key)
    standby.pause()
    assert (await owner.delete(grant)).status_code < 300
    went, answer = await target_of(read(person, key))
    assert (went, answer.status_code) == ("primary", 404)


async def test_what_is_given_is_there_at_once(world: World, standby: Standby) -> None:
    owner, person = await world.user(), await world.user()
    key = await world.project(owner)
    await at_replica(owner, key)
    standby.pause()
    member = f"/projects/{key}/members/{person.user.user_id}"
    administrator = await world.administrator()
    assert (await administrator.put(member, json={"role": "viewer"})).status_code == 200
    went, answer = await target_of(read(person, key))
    assert (went, answer.status_code) == ("primary", 200)


async def test_a_password_set_at_the_command_line(world: World, standby: Standby) -> None:
    owner = await world.user()
    key = await world.project(owner)
    await at_replica(owner, key)
    standby.pause()
    settings = world.app.state.settings
    given = {
        "REQTRAIL_HOME": str(settings.home),
        "REQTRAIL_DATABASE_URL": settings.database_url,
        "REQTRAIL_DATABASE_REPLICA_URLS": " ".join(settings.database_replica_urls),
        "REQTRAIL_REDIS_URL": settings.redis_url,
        "REQTRAIL_MASTER_KEYS": settings.master_keys.get_secret_value(),
        "REQTRAIL_SECRET_KEY": settings.secret_key.get_secret_value(),
    }
    arguments = ["user", "reset-password", owner.user.email, "--password", "yet another battery"]
    done = await asyncio.to_thread(CliRunner().invoke, command_line, arguments, env=given)
    assert done.exit_code == 0, done.output
    went, answer = await target_of(read(owner, key))
    assert (went, answer.status_code) == ("primary", 401)


async def test_without_redis_no_replica_is_read_and_who_revokes_waits(
    world: World, standby: Standby, primary: Server, valkey: EmbeddedValkey
) -> None:
    """The answer comes when no replica shows what was, whatever processes that still reach Redis may do."""
    owner = await world.user()
    key = await world.project(owner)
    person = await world.member(key, "viewer")
    await at_replica(person, key)
    await asyncio.to_thread(valkey.stop)
    went, answer = await target_of(read(person, key))
    assert (went, answer.status_code) == ("primary", 200)
    # While the replica applies what comes, that is at once.
    began = time.monotonic()
    assert (await end_session(person)).status_code < 300
    assert time.monotonic() - began < LONGEST_LAG_SECONDS
    assert caught_up(primary, standby)
    went, answer = await target_of(read(person, key))
    assert (went, answer.status_code) == ("primary", 401)

    other = await world.member(key, "viewer")
    standby.pause()
    began = time.monotonic()
    assert (await end_session(other)).status_code < 300
    assert time.monotonic() - began >= LONGEST_LAG_SECONDS
    went, answer = await target_of(read(other, key))
    assert (went, answer.status_code) == ("primary", 401)
    # A Redis that comes back knows nothing of that, and the replica neither.
    await asyncio.to_thread(valkey.start)
    for _ in range(20):
        answer = await read(other, key)()
        assert answer.status_code == 401
        await asyncio.sleep(0.1)
    standby.resume()
    await at_replica(owner, key)


async def test_a_redis_that_was_emptied(
    world: World, standby: Standby, valkey: EmbeddedValkey
) -> None:
    owner = await world.user()
    key = await world.project(owner)
    person = await world.member(key, "viewer")
    await at_replica(person, key)
    standby.pause()
    assert (await end_session(person)).status_code < 300
    redis = make_redis(valkey.url())
    await redis.flushall()
    await redis.aclose()
    for _ in range(20):  # longer than a lease takes to be made anew
        went, answer = await target_of(read(person, key))
        assert (went, answer.status_code) == ("primary", 401)
        await asyncio.sleep(0.1)
    standby.resume()
    await at_replica(owner, key)


async def test_a_redis_that_stands_still(
    world: World, standby: Standby, valkey: EmbeddedValkey
) -> None:
    owner = await world.user()
    key = await world.project(owner)
    person = await world.member(key, "viewer")
    await at_replica(person, key)
    standby.pause()
    with standing_still(valkey):
        assert (await end_session(person)).status_code < 300
        went, answer = await target_of(read(person, key))
        assert (went, answer.status_code) == ("primary", 401)
    for _ in range(20):
        went, answer = await target_of(read(person, key))
        assert (went, answer.status_code) == ("primary", 401)
        await asyncio.sleep(0.05)
    standby.resume()
    await at_replica(owner, key)


async def test_what_a_replica_lacks_is_refused_while_the_primary_is_away(
    world: World, standby: Standby, primary: Server, valkey: EmbeddedValkey
) -> None:
    owner = await world.user()
    key = await world.project(owner)
    person = await world.member(key, "viewer")
    await at_replica(person, key)
    await at_replica(owner, key)
    standby.pause()
    assert (await end_session(person)).status_code < 300
    await asyncio.to_thread(primary.kill)
    await until(lambda: world.database.primary.is_away, "nobody notices")
    answer = await read(owner, key)()
    assert (answer.status_code, answer.headers["Reqtrail-Degraded"]) == (200, "read-only")
    answer = await read(person, key)()
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    # Nobody knows what was taken if Redis is away, too.
    await asyncio.to_thread(valkey.stop)
    answer = await read(owner, key)()
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    ready = await world.anonymous().get("/health/ready")
    assert ready.status_code == 503
