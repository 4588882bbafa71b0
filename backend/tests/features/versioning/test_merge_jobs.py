"""Merges that workers do, over HTTP: the same as within a request, once, or refused with a reason and nothing lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from reqtrail.features.versioning.service import progress
from tests.features.requirements.book import Json
from tests.features.versioning.forge import Forge
from tests.fixtures.api import Client, World

pytestmark = pytest.mark.anyio


async def _edited(forge: Forge, branch: str) -> None:
    """Edit, delete and move on a branch."""
    first = forge.items[0]["placements"][0]["placement_id"]
    await forge.write(
        branch,
        *(forge.edit(number, f"changed {number}") for number in range(2, 9)),
        {"op": "delete", "kind": "item", "id": forge.items[1]["id"]},
    )
    await forge.write(branch, forge.book.move(first))


@pytest.mark.parametrize("direction", ["merge", "update"])
async def test_a_worker_merges_as_a_request_does(
    world: World, monkeypatch: pytest.MonkeyPatch, direction: str
) -> None:
    """Two pairs of branches with the same edits, one merged in each way, hold the same afterwards, piece by piece."""
    monkeypatch.setattr(progress, "PIECE", 3)
    forge = await Forge.make(world, 10)
    for pair in "ab":
        parent, child = f"parent {pair}", f"child {pair}"
        await forge.branch(parent)
        await forge.branch(child, parent)
        await _edited(forge, child if direction == "merge" else parent)
        other = parent if direction == "merge" else child
        await forge.write(other, forge.edit(9, "of the other side"))
    path = f"/branches/{forge.branches['child a']}/merge"
    within = await forge.book.ask("POST", path, json={"direction": direction})
    assert within.status_code == 201, within.text
    answer = await forge.ask("child b", direction=direction)
    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == "respond-async"
    job = answer.json()
    assert answer.headers["location"].endswith(f"/projects/{forge.book.key}/jobs/{job['id']}")
    assert (job["kind"], job["state"]) == ("versioning.merge", "queued")
    assert await forge.ended(job) == ("done", None)
    target = "parent" if direction == "merge" else "child"
    compared = await forge.book.get("/compare", **{"from": f"{target} a", "to": f"{target} b"})
    assert compared["changes"] == []
    result = (await forge.job(job))["result"]
    assert result["changes"] == len(within.json()["changes"])
    assert (result["branch"], result["seq"]) == (f"{target} b", await forge.head(f"{target} b"))
    assert (await forge.kinds(f"{target} b"))[0] == direction
    report = await forge.book.ask("POST", "/verify")
    assert report.json()["ok"], report.text


async def test_a_request_does_so_much_and_says_who_does_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The preview says what is large; a request refuses what is too large, and a worker does it."""
    settings = world.app.state.settings
    monkeypatch.setattr(settings, "merge_large_from", 2)
    monkeypatch.setattr(settings, "merge_request_limit", 2)
    forge = await Forge.make(world)
    branch = await forge.branch("work")
    for number, large in ((0, False), (1, True), (2, True)):
        await forge.write("work", forge.edit(number, "changed"))
        path = f"/branches/{branch}/merge-preview"
        preview = (await forge.book.ask("POST", path, json={"direction": "merge"})).json()
        assert (len(preview["changes"]), preview["large"]) == (number + 1, large)
    before = await forge.head()
    refused = await forge.book.ask("POST", f"/branches/{branch}/merge", json={"direction": "merge"})
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "merge_too_large")
    assert (problem["changes"], problem["most"]) == (3, 2)
    assert "Prefer: respond-async" in problem["detail"]
    assert await forge.head() == before
    assert await forge.ended(await forge.asked("work")) == ("done", None)
    assert await forge.title(2) == "changed"


async def test_a_merge_with_nothing_new_writes_nothing(world: World) -> None:
    forge = await Forge.make(world)
    await forge.branch("idle")
    before = await forge.kinds()
    job = await forge.asked("idle")
    assert await forge.ended(job) == ("done", None)
    assert (await forge.job(job))["result"]["changes"] == 0
    assert await forge.kinds() == before


async def test_the_same_request_again_is_the_same_job(world: World) -> None:
    """With one idempotency key it is asked for once and written once."""
    forge = await Forge.make(world)
    await forge.branch("work")
    await forge.write("work", forge.edit(0, "changed"))
    first = await forge.ask("work", key="once")
    again = await forge.ask("work", key="once")
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert await forge.ended(first.json()) == ("done", None)
    late = await forge.ask("work", key="once")
    assert (late.status_code, late.json()["id"]) == (202, first.json()["id"])
    await forge.work()
    assert (await forge.kinds()).count("merge") == 1
    listed = (await forge.book.get(f"/branches/{forge.branches['work']}/merge-jobs"))["merges"]
    assert [one["job"]["id"] for one in listed] == [first.json()["id"]]


async def test_a_conflict_ends_the_job_and_what_was_chosen_stays(world: World) -> None:
    """The list of merges gives back all that was asked for, so that somebody can go on from there."""
    forge = await Forge.make(world)
    branch = await forge.branch("work")
    for number in (0, 1):
        await forge.write("work", forge.edit(number, "ours"))
        await forge.write("main", forge.edit(number, "theirs"))
    heads: Json = {"branch_seq": await forge.head("work"), "parent_seq": await forge.head()}
    chosen = [_choice(forge, number, "value", f"mine {number}") for number in (0, 1)]
    before = await forge.kinds()
    job = await forge.asked("work", resolutions=chosen[:1], message="Because", **heads)
    assert await forge.ended(job) == ("failed", "merge_conflict")
    assert await forge.kinds() == before
    (kept,) = (await forge.book.get(f"/branches/{branch}/merge-jobs"))["merges"]
    assert kept["job"]["error"]["code"] == "merge_conflict"
    assert (kept["direction"], kept["message"]) == ("merge", "Because")
    assert {name: kept[name] for name in heads} == heads
    (resolution,) = kept["resolutions"]
    again = await forge.asked(
        "work", resolutions=[resolution, chosen[1]], message=kept["message"], **heads
    )
    assert await forge.ended(again) == ("done", None)
    assert [await forge.title(number) for number in (0, 1)] == ["mine 0", "mine 1"]


def _choice(forge: Forge, number: int, choose: str, value: Any = None) -> Json:
    place = {"kind": "item", "id": forge.items[number]["id"], "field": "attributes"}
    field = forge.book.attribute("Title")
    return {**place, "field_key": field, "choose": choose, "words": [], "value": value}


async def test_a_head_that_moved_is_told_at_once_or_when_the_job_runs(world: World) -> None:
    forge = await Forge.make(world)
    branch = await forge.branch("work")
    await forge.write("work", forge.edit(0, "changed"))
    heads: Json = {"branch_seq": await forge.head("work"), "parent_seq": await forge.head()}
    job = await forge.asked("work", **heads)
    await forge.write("main", forge.edit(1, "meanwhile"))
    assert await forge.ended(job) == ("failed", "merge_stale")
    refused = await forge.ask("work", **heads)
    assert (refused.status_code, refused.json()["code"]) == (409, "merge_stale")
    assert refused.json()["parent_seq"] == await forge.head()
    (kept,) = (await forge.book.get(f"/branches/{branch}/merge-jobs"))["merges"]
    assert kept["job"]["id"] == job["id"]
    assert await forge.title(0) == "item 0"


@pytest.mark.parametrize("careful", [False, True])
async def test_a_head_that_moves_while_the_job_computes_is_noticed(
    world: World, careful: bool
) -> None:
    """It is found under the lock: with heads that are expected it is refused, else merged as it is by then."""
    forge = await Forge.make(world)
    await forge.branch("work")
    await forge.write("work", forge.edit(0, "changed"))
    heads: Json = {"branch_seq": await forge.head("work"), "parent_seq": await forge.head()}
    job = await forge.asked("work", **(heads if careful else {}))
    async with forge.locked():
        saving = asyncio.create_task(forge.write("main", forge.edit(1, "meanwhile")))
        await forge.waiting(1)
        working = asyncio.create_task(forge.work())
        await forge.waiting(2)
    await saving
    await working
    ended = await forge.ended(job)
    assert ended == (("failed", "merge_stale") if careful else ("done", None))
    assert await forge.title(1) == "meanwhile"
    assert await forge.title(0) == ("item 0" if careful else "changed")


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_merge_is_cancelled_until_it_is_saved(world: World, at_once: bool) -> None:
    """While it waits for its turn to write, and in the last moment, before it ends the job."""
    forge = await Forge.make(world)
    await forge.branch("work")
    await forge.write("work", forge.edit(0, "changed"))
    before = await forge.kinds()
    job = await forge.asked("work")
    async with forge.locked():
        working = asyncio.create_task(forge.work())
        await forge.waiting(1)
        cancelled = await forge.book.ask("POST", f"/jobs/{job['id']}/cancel")
        assert (cancelled.status_code, cancelled.json()["cancel_requested"]) == (202, True)
        if not at_once:
            # The next sign of life notices.
            await working
    await working
    assert await forge.ended(job) == ("cancelled", None)
    assert await forge.kinds() == before
    again = await forge.book.ask("POST", f"/jobs/{job['id']}/retry")
    assert again.status_code == 202, again.text
    assert await forge.ended(job) == ("done", None)
    late = await forge.book.ask("POST", f"/jobs/{job['id']}/cancel")
    assert (late.status_code, late.json()["code"]) == (409, "job_state_wrong")
    assert (await forge.kinds()).count("merge") == 1


async def _demote(forge: Forge, client: Client, role: str | None) -> None:
    path = f"/members/{client.user.user_id}"
    if role is None:
        answer = await forge.book.ask("DELETE", path)
    else:
        answer = await forge.book.ask("PUT", path, json={"role": role})
    assert answer.status_code in (200, 204), answer.text


@pytest.mark.parametrize(
    ("role", "then", "code"),
    [
        ("editor", "viewer", "forbidden"),
        ("editor", None, "project_not_found"),
        ("owner", "editor", "branch_protected"),
    ],
)
async def test_who_may_not_merge_any_more_does_not(
    world: World, role: str, then: str | None, code: str
) -> None:
    """Rights are those of the moment at which it runs."""
    forge = await Forge.make(world)
    await forge.branch("work")
    await forge.write("work", forge.edit(0, "changed"))
    if role == "owner":
        main = next(
            one for one in (await forge.book.get("/branches"))["branches"] if one["name"] == "main"
        )
        await forge.book.ask("PATCH", f"/branches/{main['id']}", json={"protected": True})
    somebody = await world.member(forge.book.key, role)
    job = await forge.asked("work", somebody)
    await _demote(forge, somebody, then)
    assert await forge.ended(job) == ("failed", code)
    assert await forge.title(0) == "item 0"
    await _demote(forge, somebody, role)
    again = await forge.book.ask("POST", f"/jobs/{job['id']}/retry")
    assert again.status_code == 202, again.text
    assert await forge.ended(job) == ("done", None)


async def test_who_asks_as_an_editor_does_not_write_as_an_owner_later(world: World) -> None:
    forge = await Forge.make(world)
    await forge.branch("work")
    await forge.write("work", forge.edit(0, "changed"))
    editor = await world.member(forge.book.key, "editor")
    job = await forge.asked("work", editor)
    branches = (await forge.book.get("/branches"))["branches"]
    main = next(one for one in branches if one["name"] == "main")
    await forge.book.ask("PATCH", f"/branches/{main['id']}", json={"protected": True})
    await _demote(forge, editor, "owner")
    assert await forge.ended(job) == ("failed", "branch_protected")


async def test_what_is_withheld_or_archived_meanwhile_stops_it(world: World) -> None:
    """A merge rewrites whatever there is, so whoever may not read all of it may not merge."""
    forge = await Forge.make(world)
    await forge.branch("work")
    await forge.write("work", forge.edit(0, "changed"))
    editor = await world.member(forge.book.key, "editor")
    job = await forge.asked("work", editor)
    body: Json = {"roles": [], "group_ids": []}
    path = f"/restrictions/{forge.book.document}"
    restricted = await forge.book.ask("PUT", path, json=body)
    assert restricted.status_code == 200, restricted.text
    assert await forge.ended(job) == ("failed", "reading_restricted")
    other = await forge.asked("work")
    archived = await forge.book.ask("PATCH", "", json={"archived": True})
    assert archived.status_code == 200, archived.text
    assert await forge.ended(other) == ("failed", "project_archived")


async def test_the_record_names_who_asked_and_what_was_written(world: World) -> None:
    forge = await Forge.make(world)
    await forge.branch("work")
    await forge.write("work", forge.edit(0, "changed"))
    job = await forge.asked("work")
    assert await forge.ended(job) == ("done", None)
    events = (await forge.book.get("/audit"))["events"]
    written = next(one for one in events if one["action"] == "branch:merge")
    asked = next(one for one in events if one["action"] == "branch:ask-merge")
    assert written["actor"]["id"] == asked["actor"]["id"] == str(forge.book.client.user.user_id)
    assert written["proof"] == "system"
    assert written["details"]["commit"] == await forge.head()
    assert written["details"]["job"] == job["id"]
    assert (asked["subject_kind"], asked["subject_id"]) == ("job", job["id"])
    assert (written["subject_kind"], written["subject_id"]) == ("branch", forge.branches["work"])


async def test_a_redaction_takes_values_out_of_what_was_asked_for(world: World) -> None:
    """Sides that were chosen stay; a text that somebody wrote may be what is redacted."""
    forge = await Forge.make(world)
    branch = await forge.branch("work")
    for number in (0, 1):
        await forge.write("work", forge.edit(number, "ours"))
        await forge.write("main", forge.edit(number, "theirs"))
    chosen = [_choice(forge, 0, "value", "hunter2"), _choice(forge, 1, "theirs")]
    job = await forge.asked("work", resolutions=chosen)
    await forge.write("main", forge.edit(2, "leaked"))
    await forge.write("main", forge.edit(2, "harmless"))
    body = {"entity_id": forge.items[2]["id"], "reason": "Leaked", "holding": "leaked"}
    redacted = await forge.book.ask("POST", "/redactions", json=body)
    assert redacted.status_code == 201, redacted.text
    (kept,) = (await forge.book.get(f"/branches/{branch}/merge-jobs"))["merges"]
    assert [one["choose"] for one in kept["resolutions"]] == ["theirs"]
    assert await forge.ended(job) == ("failed", "merge_conflict")
