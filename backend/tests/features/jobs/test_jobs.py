"""Jobs over HTTP: asked for, followed, cancelled, repeated, fetched; and who may do which of it."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import func, update

from reqtrail.features.versioning.public import run_pending_seals
from reqtrail.platform.database.scope import of_project, of_task
from reqtrail.platform.jobs.queue import enqueue
from reqtrail.platform.jobs.runner import Runner
from reqtrail.platform.jobs.tables import jobs
from reqtrail.platform.jobs.types import INSTANCE
from tests.fixtures.api import Client, World

pytestmark = pytest.mark.anyio

Json = dict[str, Any]


class Office:
    """A project with an owner, and a worker in the test's own process."""

    def __init__(self, world: World, owner: Client, key: str) -> None:
        self.world, self.owner, self.key = world, owner, key
        self.path = f"/projects/{key}"

    @classmethod
    async def make(cls, world: World) -> Office:
        """Make a project."""
        owner = await world.user()
        return cls(world, owner, await world.project(owner))

    async def post(self, path: str, client: Client | None = None, **more: Any) -> Json:
        """Ask for something that must be granted."""
        answer = await (client or self.owner).post(f"{self.path}{path}", **more)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    async def job(self, job: Json, client: Client | None = None) -> Json:
        """Return a job as it is now."""
        answer = await (client or self.owner).get(f"{self.path}/jobs/{job['id']}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def work(self) -> None:
        """Do what waits."""
        await Runner(self.world.database, self.world.app.state.settings).run_waiting()

    async def set(self, job: Json, **values: Any) -> None:
        """Change the row of a job."""
        async with self.world.owner.session() as session:
            await session.execute(
                update(jobs).where(jobs.c.job_id == UUID(job["id"])).values(**values)
            )

    async def result(self, job: Json, client: Client | None = None) -> httpx.Response:
        """Fetch what a job made."""
        return await (client or self.owner).get(f"{self.path}/jobs/{job['id']}/result")


async def test_an_export_is_made_by_a_worker_and_fetched(world: World) -> None:
    office = await Office.make(world)
    job = await office.post("/exports", json={"format": "reqifz"})
    assert (job["kind"], job["state"], job["project"]) == ("exchange.export", "queued", office.key)
    assert job["author"]["id"] == str(office.owner.user.user_id)
    early = await office.result(job)
    assert (early.status_code, early.json()["code"]) == (409, "job_state_wrong")
    await office.work()
    done = await office.job(job)
    assert (done["state"], done["attempts"], done["error"]) == ("done", 1, None)
    answer = await office.result(job)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert f'filename="{office.key}.reqifz"' in answer.headers["content-disposition"]
    assert len(answer.content) == done["file"]["size"] == int(answer.headers["content-length"])
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    direct = await office.owner.get(f"{office.path}/exports/reqif")
    assert names == zipfile.ZipFile(io.BytesIO(direct.content)).namelist()

    await office.set(job, expires_at=func.clock_timestamp() - timedelta(seconds=1))
    kept = [event["action"] for event in await _events(office)]
    assert kept.count("project:export") == 2 and "job:fetch" in kept


async def _events(office: Office) -> list[Json]:
    answer = await office.owner.get(f"{office.path}/audit?limit=200")
    return list(answer.json()["events"])


async def test_an_export_of_a_version_that_is_not_there_is_refused_at_once(world: World) -> None:
    office = await Office.make(world)
    answer = await office.owner.post(f"{office.path}/exports", json={"at": "no-such"})
    assert answer.status_code == 404
    listed = await office.owner.get(f"{office.path}/jobs")
    assert listed.json() == {"jobs": [], "next": None}


async def test_a_verification_reports_what_the_request_reports(world: World) -> None:
    office = await Office.make(world)
    job = await office.post("/verifications")
    await office.work()
    done = await office.job(job)
    assert done["result"]["ok"] is True and done["result"]["problems"] == 0
    fetched = (await office.result(job)).json()
    direct = (await office.owner.post(f"{office.path}/verify")).json()
    assert fetched == direct


async def test_a_baseline_is_sealed_by_a_job(world: World) -> None:
    office = await Office.make(world)
    made = await office.owner.post(f"{office.path}/baselines", json={"name": "one"})
    assert made.status_code == 201
    listed = await office.owner.get(f"{office.path}/jobs?kind=versioning.seal")
    (job,) = listed.json()["jobs"]
    assert (job["state"], job["author"]) == ("queued", None)
    await office.work()
    assert (await office.job(job))["state"] == "done"
    baseline = await office.owner.get(f"{office.path}/baselines/{made.json()['id']}")
    assert baseline.json()["seal"]["state"] == "sealed"
    assert await run_pending_seals(world.database, limit=1, waited=timedelta()) == 0


async def test_a_job_ends_with_the_access_of_its_author(world: World) -> None:
    office = await Office.make(world)
    editor = await world.member(office.key, "editor")
    job = await office.post("/exports", editor, json={})
    member = f"{office.path}/members/{editor.user.user_id}"
    assert (await office.owner.delete(member)).status_code == 204
    await office.work()
    ended = await office.job(job)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "project_not_found")
    assert (await office.result(job, editor)).status_code == 404


async def test_results_are_for_their_author_and_jobs_are_ended_by_them_or_an_owner(
    world: World,
) -> None:
    office = await Office.make(world)
    one, other = [await world.member(office.key, "viewer") for _ in range(2)]
    job = await office.post("/exports", one, json={})
    path = f"/jobs/{job['id']}"
    refused = await other.post(f"{office.path}{path}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_your_job")
    assert (await office.job(job, other))["state"] == "queued"
    assert (await office.post(f"{path}/cancel", one))["state"] == "cancelled"
    again = await other.post(f"{office.path}{path}/retry")
    assert (again.status_code, again.json()["code"]) == (403, "not_your_job")
    assert (await office.post(f"{path}/retry"))["state"] == "queued"
    wrong = await office.owner.post(f"{office.path}{path}/retry")
    assert (wrong.status_code, wrong.json()["code"]) == (409, "job_state_wrong")
    await office.work()
    for reader, status in ((one, 200), (other, 403), (office.owner, 403)):
        assert (await office.result(job, reader)).status_code == status


async def test_a_limited_token_fetches_no_more_than_it_may_make(world: World) -> None:
    office = await Office.make(world)
    job = await office.post("/exports", json={})
    await office.work()
    for permissions, status in ((["job:run"], 403), (["job:run", "export:run"], 200)):
        asked = {"name": "x", "permissions": permissions}
        token = await office.owner.post("/me/tokens", json=asked)
        assert token.status_code == 201, token.text
        limited = world.anonymous()
        limited.headers["Authorization"] = f"Bearer {token.json()['token']}"
        assert (await office.result(job, limited)).status_code == status


async def test_a_redaction_leaves_no_export_behind(world: World) -> None:
    office = await Office.make(world)
    schema = (await office.owner.get(f"{office.path}/schema")).json()
    (kind,) = [one["id"] for one in schema["types"] if one["category"] == "item"][:1]
    item = str(uuid4())
    for operation in (
        {"op": "create", "kind": "item", "id": item, "fields": {"type_id": kind}},
        {"op": "delete", "kind": "item", "id": item},
    ):
        head = (await office.owner.get(office.path)).json()["head"]["seq"]
        body = {"base": head, "message": "x", "operations": [operation]}
        assert (await office.owner.post(f"{office.path}/commits", json=body)).status_code == 201
    job = await office.post("/exports", json={})
    await office.work()
    assert (await office.result(job)).status_code == 200
    redacted = await office.owner.post(
        f"{office.path}/redactions", json={"entity_id": item, "reason": "a leak"}
    )
    assert redacted.status_code == 201, redacted.text
    gone = await office.result(job)
    assert (gone.status_code, gone.json()["code"]) == (410, "job_result_gone")


async def test_lists_show_jobs_and_imports_by_pages(world: World) -> None:
    office = await Office.make(world)
    upload = await office.owner.post(f"{office.path}/imports", files={"file": ("x.reqif", b"<x/>")})
    made = [upload.json()["id"]]
    made += [(await office.post("/exports", json={}))["id"] for _ in range(4)]
    seen: list[str] = []
    for path in (f"{office.path}/jobs", "/jobs"):
        seen, cursor = [], ""
        for _ in range(3):
            page = (await office.owner.get(f"{path}?limit=2{cursor}")).json()
            seen += [job["id"] for job in page["jobs"]]
            cursor = f"&cursor={page['next']}"
        assert page["next"] is None
        assert seen == made[::-1], path
    other = await world.member(office.key, "viewer")
    theirs = (await office.post("/verifications", other))["id"]
    for client, listed in ((office.owner, made[::-1]), (other, [theirs])):
        mine = (await client.get(f"{office.path}/jobs?mine=true")).json()["jobs"]
        assert [job["id"] for job in mine] == listed
        assert len((await client.get(f"{office.path}/jobs")).json()["jobs"]) == len(made) + 1
    imports = (await office.owner.get("/jobs?kind=exchange.import")).json()["jobs"]
    assert [(job["id"], job["project"]) for job in imports] == [(made[0], office.key)]
    assert imports == [await office.job({"id": made[0]})]
    states = (await office.owner.get("/jobs?state=done&state=failed")).json()["jobs"]
    assert states == []
    bad = await office.owner.get("/jobs?cursor=nonsense")
    assert (bad.status_code, bad.json()["code"]) == (422, "job_cursor_invalid")


async def test_own_jobs_are_those_of_projects_that_one_is_still_in(world: World) -> None:
    office = await Office.make(world)
    member = await world.member(office.key, "editor")
    await office.post("/exports", member, json={})
    assert len((await member.get("/jobs")).json()["jobs"]) == 1
    assert (await office.owner.get("/jobs")).json()["jobs"] == []
    left = await office.owner.delete(f"{office.path}/members/{member.user.user_id}")
    assert left.status_code == 204
    assert (await member.get("/jobs")).json()["jobs"] == []


async def test_administrators_see_and_end_and_repeat_everything(world: World) -> None:
    office = await Office.make(world)
    job = await office.post("/exports", json={})
    administrator = await world.administrator()
    async with world.database.within(of_project(INSTANCE)).session() as session:
        own = await enqueue(session, "versioning.verify", INSTANCE, None, {})
    newest = (await administrator.get("/admin/jobs?limit=2")).json()["jobs"]
    assert [(one["id"], one["project"]) for one in newest] == [
        (str(own.job_id), None),
        (job["id"], office.key),
    ]
    for one in newest:
        path = f"/admin/jobs/{one['id']}"
        for verb, state in (("cancel", "cancelled"), ("retry", "queued"), ("cancel", "cancelled")):
            answer = await administrator.post(f"{path}/{verb}")
            assert (answer.status_code, answer.json()["state"]) == (202, state)
    missing = await administrator.post(f"/admin/jobs/{uuid4()}/cancel")
    assert (missing.status_code, missing.json()["code"]) == (404, "job_not_found")
    assert (await office.owner.get("/admin/jobs")).status_code == 403
    actions = [event["action"] for event in await _events(office)]
    assert actions.count("any-job:cancel") == 2 and "any-job:retry" in actions


async def test_what_a_job_meets_is_told_with_a_code(world: World) -> None:
    office = await Office.make(world)
    job = await office.post("/exports", json={})
    await office.set(job, payload={"at": "not-there", "archive": True})
    await office.work()
    failed = await office.job(job)
    assert failed["state"] == "failed" and failed["error"]["code"] == "ref_not_found"
    async with world.database.within(of_task("jobs")).session() as session:
        await session.execute(
            update(jobs).where(jobs.c.job_id == UUID(job["id"])).values(kind="older.kind")
        )
    assert (await office.job(job))["kind"] == "older.kind"
