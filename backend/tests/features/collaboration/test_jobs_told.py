"""How jobs get on is told to those who may list them, soon, and no more often than anybody can see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI

from reqtrail.entrypoints.web import create_app
from reqtrail.features.collaboration.service import follows
from reqtrail.features.collaboration.service.mailbox import MOST_JOBS, Mailbox
from reqtrail.platform.background import end_task
from reqtrail.platform.bells import Bells
from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.database.scope import of_project
from reqtrail.platform.jobs import queue
from reqtrail.platform.jobs.changes import ring_changes
from reqtrail.platform.jobs.registry import register_job_kind
from reqtrail.platform.jobs.runner import Runner
from reqtrail.platform.jobs.types import INSTANCE, JobKind
from reqtrail.platform.jobs.work import PROGRESS_SECONDS, Work
from reqtrail.platform.redis import make_redis
from reqtrail.platform.settings import Settings
from tests.fixtures.api import Client, World
from tests.fixtures.sockets import Listener, listening, served

pytestmark = pytest.mark.anyio

Json = dict[str, Any]
KIND = "test.counting"
_counting: dict[str, asyncio.Event | int] = {}


async def _count(work: Work) -> Mapping[str, Any] | None:
    """Count without end until told to stop: far faster than anybody is to be told."""
    work.enter("counting", 1_000_000)
    stop = _counting["stop"]
    assert isinstance(stop, asyncio.Event)
    while not stop.is_set():
        work.advance()
        await asyncio.sleep(0.005)
    return {"secret": "what came of it is not told"}


register_job_kind(JobKind(KIND, _count))


@pytest.fixture
async def port(app: FastAPI) -> AsyncIterator[int]:
    """The port of the application."""
    async with served(app) as found:
        yield found


@pytest.fixture
async def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks by themselves: what is told was rung for."""
    monkeypatch.setattr(follows, "LOOK_SECONDS", 600.0)


@asynccontextmanager
async def _worker(settings: Settings, *, rings: bool = True) -> AsyncIterator[list[UUID]]:
    """A worker with connections of its own, as another process has; yield what wakes workers."""
    assert settings.database_url is not None and settings.redis_url is not None
    database = Database(make_engine(settings.database_url, pool_size=3))
    redis = make_redis(settings.redis_url)
    bells, woken = Bells(redis), list[UUID]()
    bells.listen("jobs", woken.append)
    bells.start()
    if rings:
        ring_changes(database, bells)
    _counting["stop"] = asyncio.Event()
    working = asyncio.create_task(Runner(database, settings).run())
    try:
        yield woken
    finally:
        await end_task(working)
        await bells.stop()
        await redis.aclose()
        await database.dispose()


def _stop() -> None:
    stop = _counting["stop"]
    assert isinstance(stop, asyncio.Event)
    stop.set()


async def _ask(world: World, key: str, author: Client | None, kind: str = KIND) -> str:
    """Queue a job in a project; an empty key is the instance."""
    project_id = INSTANCE
    if key:
        administrator = await world.administrator()
        project_id = UUID((await administrator.get(f"/projects/{key}")).json()["id"])
    author_id = author.user.user_id if author else None
    async with world.database.within(of_project(project_id)).session() as session:
        return str((await queue.enqueue(session, kind, project_id, author_id, {})).job_id)


async def _follow(listener: Listener, jobs: str, project: str | None = None) -> None:
    """Follow, and wait until changes are told."""
    await listener.send("follow", jobs=jobs, project=project)
    answer = await listener.next("following", "unfollowed", "problem")
    assert answer == {"type": "following", "jobs": jobs, "project": project}


async def _told(listener: Listener, job_id: str, **expected: Any) -> Json:
    """Wait until a job is told of that is as expected."""
    while True:
        job: Json = (await listener.next("job"))["job"]
        if job["id"] == job_id and all(job[name] == value for name, value in expected.items()):
            return job


def _of(listener: Listener, job_id: str) -> list[Json]:
    return [one for one in listener.seen if one["type"] == "job" and one["job"]["id"] == job_id]


@pytest.mark.usefixtures("quiet")
async def test_progress_is_told_soon_and_seldom(
    world: World, port: int, settings: Settings
) -> None:
    """To whoever follows their own jobs, the project's or all; nothing but a bell says so, and no worker is woken."""
    ada = await world.user(name="Ada")
    key = await world.project(ada)
    administrator = await world.administrator()
    async with (
        listening(port, ada) as own,
        listening(port, ada) as of_project,
        listening(port, administrator) as of_all,
        _worker(settings) as woken,
    ):
        await _follow(own, "own")
        await _follow(of_project, "project", key)
        await _follow(of_all, "instance")
        job_id = await _ask(world, key, ada)
        everybody = (own, of_project, of_all)
        for listener in everybody:
            await _told(listener, job_id, state="running", phase="counting")
        woken.clear()
        begun = [(await _told(listener, job_id))["done"] for listener in everybody]
        loop = asyncio.get_running_loop()
        at, told = loop.time(), 0
        while told < 4:
            job = await _told(of_project, job_id, state="running")
            assert job["done"] > begun[1]
            told += 1
        took = loop.time() - at
        assert 4 * PROGRESS_SECONDS * 0.5 < took, "no more often than is written"
        _stop()
        for listener in everybody:
            ended = await _told(listener, job_id, state="done")
            assert ended["finished_at"] is not None
        # The bells of the job that was queued may be heard late; of progress there was more.
        assert len(woken) < told
        first = _of(of_project, job_id)[0]
        # Of what changed meanwhile the newest is told: a worker may have been quick.
        assert first["project"] == key
        assert first["job"]["state"] in {"queued", "running"}
        assert "secret" not in str([one.seen for one in everybody])


@pytest.mark.usefixtures("quiet")
async def test_nobody_is_told_of_jobs_that_they_could_not_get(world: World, port: int) -> None:
    """Others' jobs are not one's own; strangers, those from whom something is withheld and non-administrators."""
    ada = await world.user(name="Ada")
    key = await world.project(ada)
    viewer = await world.member(key, "viewer")
    document = (await ada.post(f"/projects/{key}/documents", json={"title": "Secret"})).json()
    limited = await ada.post("/me/tokens", json={"name": "x", "permissions": ["history:read"]})
    assert limited.status_code == 201, limited.text
    token = limited.json()["token"]
    async with (
        listening(port, viewer) as seeing,
        listening(port, viewer) as own,
        listening(port, await world.user()) as stranger,
        listening(port) as narrow,
    ):
        await narrow.send("hello", token=token)
        await narrow.next("welcome")
        await _follow(seeing, "project", key)
        await _follow(own, "own")
        for listener, jobs, project, code in (
            (stranger, "project", key, "project_not_found"),
            (stranger, "instance", None, "forbidden"),
            (narrow, "project", key, "token_limited"),
            (narrow, "own", None, "token_limited"),
        ):
            await listener.send("follow", jobs=jobs, project=project)
            answer = await listener.next("following", "unfollowed")
            assert (answer["type"], answer.get("code")) == ("unfollowed", code)
            assert (answer["jobs"], answer["project"]) == (jobs, project)
        others = await _ask(world, key, ada, "exchange.export")
        await _told(seeing, others, state="queued")
        mine = await _ask(world, key, viewer, "exchange.export")
        assert (await _told(own, mine))["state"] == "queued"
        assert _of(own, others) == []

        restricted = await ada.put(
            f"/projects/{key}/restrictions/{document['id']}",
            json={"roles": ["editor"], "group_ids": []},
        )
        assert restricted.status_code in (200, 204), restricted.text
        assert (await ada.post(f"/projects/{key}/jobs/{others}/cancel")).status_code == 202
        answer = await seeing.next("unfollowed")
        assert answer["code"] == "reading_restricted"
        assert (await viewer.get(f"/projects/{key}/jobs")).json()["code"] == "reading_restricted"
        assert {one["job"]["state"] for one in _of(seeing, others)} == {"queued"}

        # Whoever leaves the project is told of their own jobs there no more.
        left = await ada.delete(f"/projects/{key}/members/{viewer.user.user_id}")
        assert left.status_code == 204
        assert (await ada.post(f"/projects/{key}/jobs/{mine}/cancel")).status_code == 202
        elsewhere = await _ask(world, await world.project(viewer), viewer, "exchange.export")
        await _told(own, elsewhere)
        assert {one["job"]["state"] for one in _of(own, mine)} == {"queued"}
        for listener in (stranger, narrow):
            assert not [one for one in listener.seen if one["type"] == "job"]
            await listener.send("ping")
            await listener.next("pong")


async def test_without_bells_jobs_are_told_a_little_later(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    """No Redis, or a worker that is not heard: whoever follows is told by the next look."""
    made = create_app(settings.model_copy(update={"home": tmp_path, "redis_url": None}))
    ada = await world.user()
    key = await world.project(ada)
    async with made.router.lifespan_context(made), served(made) as port:
        async with listening(port, ada) as listener, _worker(settings, rings=False):
            await _follow(listener, "own")
            job_id = await _ask(world, key, ada)
            await _told(listener, job_id, state="running", phase="counting")
            _stop()
            await _told(listener, job_id, state="done")


async def test_whoever_is_admitted_again_reads_anew(
    world: World, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follows, "LOOK_SECONDS", 0.2)
    ada = await world.user()
    key = await world.project(ada)
    bob = await world.member(key, "viewer")
    member = f"/projects/{key}/members/{bob.user.user_id}"
    async with listening(port, bob) as listener:
        await _follow(listener, "project", key)
        assert (await ada.delete(member)).status_code == 204
        assert (await listener.next("unfollowed"))["code"] == "project_not_found"
        assert (await ada.put(member, json={"role": "viewer"})).status_code == 200
        await listener.next("following")
        assert [one["type"] for one in listener.seen].count("unfollowed") == 1
        await listener.send("unfollow", jobs="project", project=key)
        await listener.send("ping")
        await listener.next("pong")
        await _ask(world, key, ada, "exchange.export")
        await asyncio.sleep(1.0)
        await listener.send("ping")
        await listener.next("pong")
    assert "job" not in {one["type"] for one in listener.seen}


async def test_what_nobody_takes_does_not_pile_up() -> None:
    """Of a job the newest is left; of too many jobs, that the list is to be read anew."""
    mailbox = Mailbox()
    following = {"type": "following", "jobs": "own", "project": None}
    one = uuid4()
    for done in range(50):
        mailbox.tell_jobs("own ", following, {one: {"type": "job", "done": done}})
    assert await mailbox.take() == [{"type": "job", "done": 49}]
    for _ in range(MOST_JOBS + 5):
        mailbox.tell_jobs("own ", following, {uuid4(): {"type": "job"}})
        mailbox.tell_jobs("project A", following, {one: {"type": "job", "done": 1}})
    assert await mailbox.take() == [following, {"type": "job", "done": 1}]
    mailbox.tell_jobs("own ", following, {one: {"type": "job"}})
    mailbox.forget_jobs("own ")
    mailbox.tell_jobs("project A", following, {one: {"type": "job"}})
    assert await mailbox.take() == [{"type": "job"}]


async def test_bad_messages_and_too_many_are_refused(world: World, port: int) -> None:
    owner = await world.user()
    keys = [await world.project(owner) for _ in range(follows.MOST_FOLLOWED + 1)]
    async with listening(port, owner) as listener:
        for jobs, project in (("project", None), ("own", keys[0]), ("theirs", None), (None, None)):
            await listener.send("follow", jobs=jobs, project=project)
            assert (await listener.next("problem"))["code"] == "message_invalid", jobs
        for key in keys[:-1]:
            await _follow(listener, "project", key)
        await listener.send("follow", jobs="project", project=keys[-1])
        assert (await listener.next("problem"))["code"] == "follows_too_much"
