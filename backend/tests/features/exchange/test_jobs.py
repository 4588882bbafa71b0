"""Imports as jobs: reported, committed, cancelled, permitted, taken up again."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.public import drop_abandoned
from reqtrail.features.exchange.service.exporting import CHUNK, Export, open_export
from reqtrail.features.exchange.tables import exchange_jobs, exchange_uploads
from reqtrail.kit import clock
from reqtrail.platform.database.scope import of_project, of_task
from reqtrail.platform.jobs import claiming
from reqtrail.platform.jobs.runner import Runner
from reqtrail.platform.jobs.tables import jobs
from reqtrail.platform.jobs.types import LEASE, Job
from reqtrail.platform.jobs.work import Work
from tests.features.exchange.sample import sample
from tests.features.exchange.trade import Json, Trade, hurry, nothing_waits
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


async def test_a_dry_run_reports_and_writes_nothing_until_committed(world: World) -> None:
    """Counts, mapping and losses come first; the commit is one, and says where it came from."""
    trade = await Trade.make(world)
    head = await trade.head()
    job = await trade.bring(sample(), mode="dry_run")
    assert (job["state"], job["commit"], await trade.head()) == ("dry_run_ready", None, head)
    counts = job["counts"]
    assert (counts["items"], counts["placements"], counts["links"]) == (4, 4, 2)
    kinds = {kind["name"]: kind for kind in job["mapping"]["types"]}
    assert kinds["Requirement"]["items"] == 4
    assert {item["state"] for item in kinds["Requirement"]["attributes"]} == {"new"}
    assert job["mapping"]["documents"] == [
        {"title": "Brake control", "placements": 4, "state": "new"}
    ]
    path = f"/projects/{trade.key}/imports/{job['id']}"
    assert (await trade.client.post(f"{path}/commit")).status_code == 202
    done = await trade.finish(job["id"])
    assert (done["state"], done["commit"]) == ("done", {"seq": head + 1})
    commit = await trade.get(f"/commits/{head + 1}")
    assert (commit["kind"], commit["message"]) == ("import", "Import of file.reqif")
    for verb in ("commit", "cancel"):
        again = await trade.client.post(f"{path}/{verb}")
        assert (again.status_code, again.json()["code"]) == (409, "import_state")


async def test_cancel(world: World) -> None:
    """Before anybody works on it, after its dry run, and while somebody does: nothing stays."""
    trade = await Trade.make(world)
    head = await trade.head()
    waiting = await trade.send(sample())
    path = f"/projects/{trade.key}/imports"
    answer = await trade.client.post(f"{path}/{waiting['id']}/cancel")
    assert answer.json()["state"] == "cancelled"
    reported = await trade.bring(sample(), mode="dry_run")
    answer = await trade.client.post(f"{path}/{reported['id']}/cancel")
    assert answer.json()["state"] == "cancelled"
    await nothing_waits(world)
    running = await trade.send(sample())
    (claimed,) = await _claim(world)
    answer = await trade.client.post(f"{path}/{running['id']}/cancel")
    assert (answer.json()["state"], answer.json()["cancel_requested"]) == ("running", True)
    await _lose(world, claimed)
    ended = await trade.finish(running["id"])
    assert ended["state"] == "cancelled"
    listed = (await trade.get("/imports"))["imports"]
    assert [job["id"] for job in listed] == [running["id"], reported["id"], waiting["id"]]
    assert await trade.head() == head
    assert [await _kept(world, job) for job in listed] == [0, 0, 0]


async def _claim(world: World) -> list[Job]:
    """Take what is next, as a worker does that is never heard of again."""
    async with world.database.within(of_task("jobs")).session() as session:
        return await claiming.claim(session, LEASE, 1)


async def _lose(world: World, job: Job) -> None:
    """Have the lease of a job run out, and others see it."""
    async with world.owner.session() as session:
        past = func.clock_timestamp() - timedelta(seconds=1)
        await session.execute(
            update(jobs).where(jobs.c.job_id == job.job_id).values(lease_until=past)
        )
    await Runner(world.database, world.app.state.settings).sweep()
    await hurry(world)


async def _kept(world: World, job: Json) -> int:
    """Return how many pieces of the uploaded file are kept."""
    async with world.owner.session() as session:
        pieces = exchange_uploads.c.job_id == UUID(job["id"])
        return await session.scalar(select(func.count()).where(pieces)) or 0


@pytest.mark.parametrize("mode", ["dry_run", "commit"])
async def test_a_cancellation_at_the_last_moment_counts(
    world: World, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """Nothing is written and nothing is ready, even if it came after the last look at it."""
    trade = await Trade.make(world)
    head = await trade.head()
    job = await trade.send(sample(), mode=mode)
    hold = Work.hold

    async def cancelled_just_before(self: Work, session: AsyncSession) -> None:
        answer = await trade.client.post(f"/projects/{trade.key}/imports/{job['id']}/cancel")
        assert answer.json()["cancel_requested"]
        await hold(self, session)

    monkeypatch.setattr(Work, "hold", cancelled_just_before)
    ended = await trade.finish(job["id"])
    assert (ended["state"], await trade.head()) == ("cancelled", head)


@pytest.mark.parametrize("archived", [False, True])
async def test_who_may_import_no_more_imports_nothing(world: World, archived: bool) -> None:
    """Their role has gone, or the project is archived, since they asked: a job that waited is refused."""
    trade = await Trade.make(world)
    editor = await world.member(trade.key, "editor")
    path = f"/projects/{trade.key}"
    asked = await editor.post(f"{path}/imports", files={"file": ("file.reqif", sample())})
    assert asked.status_code == 202, asked.text
    head = await trade.head()
    if archived:
        answer = await trade.client.patch(path, json={"archived": True})
    else:
        assert editor.user is not None
        answer = await trade.client.put(
            f"{path}/members/{editor.user.user_id}", json={"role": "viewer"}
        )
    assert answer.is_success, answer.text
    ended = await trade.finish(asked.json()["id"])
    assert (ended["state"], ended["error"]["code"]) == (
        "failed",
        "project_archived" if archived else "forbidden",
    )
    assert await trade.head() == head


async def test_who_may(world: World) -> None:
    """Editors import, viewers see and export, strangers see nothing."""
    trade = await Trade.make(world)
    job = await trade.bring(sample())
    path = f"/projects/{trade.key}"
    viewer = await world.member(trade.key, "viewer")
    files = {"file": ("file.reqif", sample())}
    assert (await viewer.post(f"{path}/imports", files=files)).status_code == 403
    assert (await viewer.get(f"{path}/imports/{job['id']}")).status_code == 200
    assert (await viewer.get(f"{path}/exports/reqif")).status_code == 200
    stranger = await world.user()
    assert (await stranger.get(f"{path}/imports/{job['id']}")).status_code == 404
    assert (await stranger.get(f"{path}/exports/reqif")).status_code == 404
    other = await Trade.make(world)
    foreign = await other.client.get(f"/projects/{other.key}/imports/{job['id']}")
    assert (foreign.status_code, foreign.json()["code"]) == (404, "import_not_found")


async def test_a_dead_process_loses_nothing_and_doubles_nothing(world: World) -> None:
    """An import whose process died is taken up again once its lease ran out, and the late one may not write."""
    await nothing_waits(world)
    trade = await Trade.make(world)
    head = await trade.head()
    job = await trade.send(sample())
    (dead,) = await _claim(world)
    assert str(dead.job_id) == job["id"]
    await _lose(world, dead)
    done = await trade.finish(job["id"])
    assert (done["state"], await trade.head()) == ("done", head + 1)
    async with world.owner.session() as session:
        assert await claiming.renew(session, dead, LEASE, "reading", 0, 1) is None
    assert await trade.head() == head + 1


async def test_an_import_that_kills_its_process_is_given_up_and_can_be_repeated(
    world: World,
) -> None:
    """After several attempts the import has failed, with a sentence; its file is kept for whoever repeats the job."""
    await nothing_waits(world)
    trade = await Trade.make(world)
    head = await trade.head()
    job = await trade.send(sample())
    for _ in range(5):
        (claimed,) = await _claim(world)
        await _lose(world, claimed)
    failed = await trade.job(job["id"])
    assert (failed["state"], failed["error"]["code"]) == ("failed", "import_failed")
    assert failed["finished_at"] is not None and await _kept(world, job) == 1
    assert (await trade.get(f"/jobs/{job['id']}"))["state"] == "dead"
    for verb in ("commit", "cancel"):
        wrong = await trade.client.post(f"/projects/{trade.key}/imports/{job['id']}/{verb}")
        assert (wrong.status_code, wrong.json()["code"]) == (409, "import_state")
    again = await trade.client.post(f"/projects/{trade.key}/jobs/{job['id']}/retry")
    assert again.status_code == 202, again.text
    waiting = await trade.job(job["id"])
    assert (waiting["state"], waiting["error"], waiting["finished_at"]) == ("queued", None, None)
    done = await trade.finish(job["id"])
    assert (done["state"], await trade.head()) == ("done", head + 1)
    assert await _kept(world, job) == 0


async def test_an_import_is_one_job_through_both_of_its_steps(world: World) -> None:
    """It is listed once, is done when its dry run is, and runs again when that is committed."""
    trade = await Trade.make(world)
    job = await trade.bring(sample(), mode="dry_run")

    async def listed() -> tuple[str, Json | None]:
        (found,) = (await trade.get("/jobs"))["jobs"]
        assert (found["id"], found["kind"]) == (job["id"], "exchange.import")
        return found["state"], found["result"]

    assert await listed() == ("done", {"dry_run": True})
    retried = await trade.client.post(f"/projects/{trade.key}/jobs/{job['id']}/retry")
    assert (retried.status_code, retried.json()["code"]) == (409, "job_state_wrong")
    committed = await trade.client.post(f"/projects/{trade.key}/imports/{job['id']}/commit")
    assert (committed.json()["state"], committed.json()["phase"]) == ("committing", "queued")
    assert await listed() == ("queued", None)
    done = await trade.finish(job["id"])
    assert await listed() == ("done", done["commit"])


async def test_a_dry_run_whose_job_is_forgotten_can_still_be_committed(world: World) -> None:
    trade = await Trade.make(world)
    job = await trade.bring(sample(), mode="dry_run")
    async with world.owner.session() as session:
        await session.execute(delete(jobs).where(jobs.c.job_id == UUID(job["id"])))
    assert (await trade.job(job["id"]))["state"] == "dry_run_ready"
    path = f"/projects/{trade.key}/imports/{job['id']}/commit"
    assert (await trade.client.post(path)).json()["state"] == "committing"
    assert (await trade.finish(job["id"]))["state"] == "done"


async def test_an_import_is_cancelled_as_any_job_is(world: World) -> None:
    """Its record follows, its file goes, and so nobody can repeat it."""
    trade = await Trade.make(world)
    job = await trade.send(sample())
    path = f"/projects/{trade.key}/jobs/{job['id']}"
    assert (await trade.client.post(f"{path}/cancel")).json()["state"] == "cancelled"
    assert ((await trade.job(job["id"]))["state"], await _kept(world, job)) == ("cancelled", 0)
    again = await trade.client.post(f"{path}/retry")
    assert (again.status_code, again.json()["code"]) == (409, "import_state")
    refused = await trade.bring(b"<x/>")
    assert (refused["state"], refused["error"]["code"]) == ("failed", "not_reqif")
    listed = await trade.get(f"/jobs/{refused['id']}")
    assert (listed["state"], listed["error"]["code"]) == ("failed", "not_reqif")


async def test_what_was_given_up_is_forgotten_with_its_job(world: World) -> None:
    """The record stays, and says that it failed; the file goes."""
    trade = await Trade.make(world)
    job = await trade.send(sample())
    async with world.owner.session() as session:
        await session.execute(delete(jobs).where(jobs.c.job_id == UUID(job["id"])))
    gone = await trade.job(job["id"])
    assert (gone["state"], gone["error"]["code"]) == ("failed", "import_failed")
    assert await drop_abandoned(world.database) >= 1
    kept = await trade.job(job["id"])
    assert (kept["state"], kept["error"]) == (gone["state"], gone["error"])
    assert kept["finished_at"] is not None and await _kept(world, job) == 0


async def test_old_dry_runs_are_dropped(world: World) -> None:
    """A report that nobody commits for a week is cancelled, and its upload goes."""
    trade = await Trade.make(world)
    job = await trade.bring(sample(), mode="dry_run")
    async with world.owner.session() as session:
        await session.execute(
            update(exchange_jobs)
            .where(exchange_jobs.c.job_id == UUID(job["id"]))
            .values(created_at=clock.now() - timedelta(days=8))
        )
    assert await drop_abandoned(world.database) >= 1
    assert (await trade.job(job["id"]))["state"] == "cancelled"


async def test_an_export_that_nobody_reads_on_ends(world: World) -> None:
    """A reader who goes away in the middle leaves no transaction and no thread behind."""
    trade = await Trade.make(world)
    texts = {"a": "long " * 200_000}
    assert (await trade.bring(sample(texts=texts)))["state"] == "done"
    project = (await trade.client.get(f"/projects/{trade.key}")).json()
    asked = Export(UUID(project["id"]), trade.key, project["name"], None, archive=False)
    stream = await open_export(world.database.within(of_project(asked.project_id)), asked)
    first = await anext(stream)
    assert len(first) >= CHUNK
    await stream.aclose()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("export")]
    async with world.database.read_session() as session:
        left = text(
            "select count(*) from pg_stat_activity where state like 'idle in transaction%'"
            " and datname = current_database() and query ilike '%visible_items%'"
        )
        assert await session.scalar(left) == 0


async def test_an_export_of_no_version_is_refused_before_its_first_byte(world: World) -> None:
    """A wrong version is an error, not half a file."""
    trade = await Trade.make(world)
    refused = await trade.client.get(f"/projects/{trade.key}/exports/reqif", params={"at": "9999"})
    assert (refused.status_code, refused.json()["code"]) == (404, "ref_not_found")
