"""Histories of replay lines: identity, what is refused, what is taken up again, what people did meanwhile."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest
from sqlalchemy import text

from reqtrail.features.exchange.service.histories.writing import LineWriter
from reqtrail.features.versioning.public import run_pending_seals
from tests.features.exchange.told import STORY, History, change, line, packed, replayed
from tests.features.exchange.trade import Json, nothing_waits, work
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


async def _items(history: History) -> dict[str, str]:
    """Return the item ids by UID."""
    found = {}
    for item in (await history.get("/items", limit=1000))["items"]:
        full = await history.get(f"/items/{item['key']}")
        names = await _attributes(history)
        found[str(full["item"]["attributes"][names["UID"]])] = str(item["id"])
    return found


async def _attributes(history: History) -> dict[str, str]:
    schema = await history.get("/schema")
    (kind,) = (kind for kind in schema["types"] if kind["name"] == "REQUIREMENT")
    return {one["name"]: one["id"] for one in kind["attributes"]}


async def test_each_line_is_a_commit_and_each_state_is_shown(world: World) -> None:
    """Commits without changes too; relations to nothing become links when their end comes."""
    history = await History.make(world)
    start = await history.head()
    job = await history.tell(gzip.compress(packed(STORY)), "story.jsonl.gz")
    assert (job["state"], job["error"]) == ("done", None)
    assert (job["counts"]["commits"], job["counts"]["renamed"]) == (8, 1)
    (loss,) = job["losses"]
    assert loss["code"] == "relation_to_nothing"
    assert loss["examples"] == ["line 3: R-2 Parent R-9", "line 7: R-2 Parent R-9"]
    for index in range(len(STORY)):
        expected = replayed(STORY[: index + 1])
        there = {
            uid: (doc, fields, frozenset(one for one in relations if one[1] in expected))
            for uid, (doc, fields, relations) in expected.items()
        }
        assert await history.shown(str(start + index + 1)) == there, index
    log = await history.log()
    assert [entry["author"]["display_name"] for entry in log[3:5]] == ["bob", "ann"]
    assert {entry["kind"] for entry in log} == {"import"}
    assert log[0]["details"]["imported_by"] == str(history.client.user.user_id)
    assert await history.verified()


async def test_identity_survives_moves_new_uids_and_deletions(world: World) -> None:
    """R-1 moves and becomes N-1, R-9 is deleted and comes back; a title that two have decides nothing."""
    history = await History.make(world)
    await history.tell(packed(STORY[:5]))
    before = await _items(history)
    await history.tell(packed(STORY))
    after = await _items(history)
    assert after["N-1"] == before["R-1"]
    assert after["R-9"] == before["R-9"]
    more = [
        *STORY,
        line(9, change("add", "T-1", TITLE="same"), change("add", "T-2", TITLE="same")),
        line(
            10, change("delete", "T-1"), change("delete", "T-2"), change("add", "T-3", TITLE="same")
        ),
        line(11, change("delete", "N-1"), change("add", "N-2", STATEMENT="one", TITLE="new")),
        line(12, change("add", "R-1", STATEMENT="another")),
    ]
    job = await history.tell(packed(more))
    assert (job["counts"]["commits"], job["counts"]["renamed"]) == (4, 1)
    last = await _items(history)
    assert last["N-2"] == before["R-1"]
    assert last["R-1"] not in before.values()
    assert set(last) == {"R-1", "R-2", "R-9", "N-2", "T-3"}
    assert await history.verified()


async def test_a_dry_run_reports_what_its_commit_then_does(world: World) -> None:
    history = await History.make(world)
    start = await history.head()
    job = await history.tell(packed(STORY), mode="dry_run")
    assert (job["state"], await history.head()) == ("dry_run_ready", start)
    answer = await history.client.post(f"/projects/{history.key}/imports/{job['id']}/commit")
    assert answer.status_code == 202
    done = await history.finish(job["id"])
    assert (done["state"], done["counts"]) == ("done", job["counts"])
    assert (await history.head(), done["commit"]) == (start + 8, {"seq": start + 8})


async def test_a_file_that_has_grown_adds_what_is_new(world: World) -> None:
    """The same file adds nothing, a longer one its new lines; one that was rewritten, or begins later, is refused."""
    history = await History.make(world)
    start = await history.head()
    await history.tell(packed(STORY[:3]))
    again = await history.tell(packed(STORY[:3]))
    assert (again["counts"]["commits"], await history.head()) == (0, start + 3)
    shorter = await history.tell(packed(STORY[:2]))
    assert (shorter["state"], await history.head()) == ("done", start + 3)
    longer = await history.tell(packed(STORY))
    assert (longer["counts"]["commits"], await history.head()) == (5, start + 8)
    assert await history.shown() == await _alone(world)
    for lines in (
        [*STORY[:5], {**line(6), "commit": "other"}],
        [*STORY[:5], {**line(6), "commit": "other"}, {**STORY[6], "parents": ["other"]}],
        [{**STORY[7], "changes": []}, line(9)],
        [line(9, parents=["c8"])],
    ):
        refused = await history.tell(packed(lines))
        assert (refused["state"], refused["error"]["code"]) == ("failed", "history_invalid")
    assert await history.head() == start + 8


async def _alone(world: World) -> Any:
    history = await History.make(world)
    await history.tell(packed(STORY))
    return await history.shown()


async def test_two_histories_have_items_of_the_same_uid_each(world: World) -> None:
    history = await History.make(world)
    await history.tell(packed([line(1, change("add", "R-1", TITLE="a"))]))
    other = {**line(1, change("add", "R-1", TITLE="b", doc="b.sdoc")), "commit": "x1"}
    assert (await history.tell(packed([other])))["counts"]["commits"] == 1
    documents = (await history.get("/documents"))["documents"]
    assert sorted(one["title"] for one in documents) == ["a.sdoc", "b.sdoc"]
    assert len((await history.get("/items"))["items"]) == 2
    schema = await history.get("/schema")
    assert len([kind for kind in schema["types"] if kind["name"] == "REQUIREMENT"]) == 1


async def test_a_process_that_dies_leaves_whole_commits_and_is_gone_on_from(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After three lines the database goes away; whoever takes the import over writes the other five."""
    history = await History.make(world)
    start = await history.head()
    await nothing_waits(world)
    job = await history.ask(packed(STORY), baseline=["end"])
    write = LineWriter.write

    async def dies(self: LineWriter, step: Any) -> None:
        if step.line.number == 4:
            raise OSError("the connection is lost")
        await write(self, step)

    with monkeypatch.context() as patched:
        patched.setattr(LineWriter, "write", dies)
        await work(world)
    running = await history.job(job["id"])
    assert (running["state"], running["done"], await history.head()) == ("committing", 3, start + 3)
    done = await history.finish(job["id"])
    assert (done["state"], done["counts"]["commits"]) == ("done", 8)
    log = await history.log()
    assert [entry["message"] for entry in log[:8]] == [f"step {n}" for n in range(1, 9)]
    assert [entry["kind"] for entry in log[8:]] == ["baseline"]
    assert await history.shown() == await _alone(world)
    assert await history.verified()


async def test_a_cancelled_import_ends_between_two_commits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = await History.make(world)
    start = await history.head()
    await nothing_waits(world)
    job = await history.ask(packed(STORY))
    write = LineWriter.write

    async def cancels(self: LineWriter, step: Any) -> None:
        if step.line.number == 4:
            path = f"/projects/{history.key}/imports/{job['id']}/cancel"
            assert (await history.client.post(path)).status_code == 202
        await write(self, step)

    with monkeypatch.context() as patched:
        patched.setattr(LineWriter, "write", cancels)
        await work(world)
    assert (await history.job(job["id"]))["state"] == "cancelled"
    assert await history.head() == start + 3
    assert (await history.tell(packed(STORY)))["counts"]["commits"] == 5


async def test_two_imports_of_one_history_at_once_write_it_once(world: World) -> None:
    history = await History.make(world)
    start = await history.head()
    jobs = [await history.ask(packed(STORY)) for _ in range(2)]
    await asyncio.gather(work(world), work(world))
    for job in jobs:
        assert (await history.finish(job["id"]))["state"] == "done"
    assert await history.head() == start + 8
    assert [entry["message"] for entry in await history.log()] == [f"step {n}" for n in range(1, 9)]


async def test_what_people_wrote_meanwhile(world: World) -> None:
    """Other fields stay; of the same field the history's text stands, and the report says so."""
    history = await History.make(world)
    await history.tell(packed([line(1, change("add", "R-1", TITLE="t", COMPONENT="c"))]))
    (item,) = (await _items(history)).values()
    names = await _attributes(history)
    await _edit(history, item, {names["TITLE"]: "mine", names["COMPONENT"]: "mine too"})
    lines = [
        line(1, change("add", "R-1", TITLE="t", COMPONENT="c")),
        line(2, change("modify", "R-1", TITLE="t", COMPONENT="d")),
    ]
    job = await history.tell(packed(lines))
    assert [(loss["code"], loss["count"]) for loss in job["losses"]] == [
        ("edited_on_both_sides", 1)
    ]
    _, fields, _ = (await history.shown())["R-1"]
    assert (fields["TITLE"], fields["COMPONENT"]) == ("mine", "d")
    deletion = [
        {"op": "delete", "kind": "placement", "id": await _placement(history, item)},
        {"op": "delete", "kind": "item", "id": item},
    ]
    await history.write(*deletion)
    more = [*lines, line(3, change("modify", "R-1", TITLE="t", COMPONENT="e"))]
    await history.tell(packed(more))
    assert await _items(history) == {"R-1": item}


async def test_what_is_in_the_way_stops_the_import_at_its_line(world: World) -> None:
    """What the project built on is not torn down: the import stops, says where, and goes on once the way is free."""
    history = await History.make(world)
    start = await history.head()
    await history.tell(packed([line(1, change("add", "R-1"), change("add", "R-2"))]))
    items = await _items(history)
    link = {"source_id": items["R-2"], "target_id": items["R-1"]}
    answer = await history.client.post(f"/projects/{history.key}/links", json=link)
    assert answer.status_code == 201, answer.text
    lines = [
        line(1, change("add", "R-1"), change("add", "R-2")),
        line(2),
        line(3, change("delete", "R-1")),
        line(4),
    ]
    job = await history.tell(packed(lines))
    error = job["error"]
    assert (job["state"], error["code"], error["line"]) == ("failed", "history_stopped", 3)
    assert "it goes on here" in error["detail"]
    assert await history.head() == start + 3
    outgoing = (await history.get(f"/items/{items['R-2']}/links"))["outgoing"]
    gone = await history.client.delete(f"/projects/{history.key}/links/{outgoing[0]['id']}")
    assert gone.status_code in {200, 204}
    assert (await history.tell(packed(lines)))["counts"]["commits"] == 2
    assert list(await _items(history)) == ["R-2"]
    assert await history.verified()


async def _edit(history: History, item: str, attributes: Json) -> None:
    fields = {"attributes": attributes}
    await history.write({"op": "update", "kind": "item", "id": item, "fields": fields})


async def _placement(history: History, item: str) -> str:
    documents = (await history.get("/documents"))["documents"]
    rows = (await history.get(f"/documents/{documents[0]['id']}/rows"))["rows"]
    return next(str(row["placement_id"]) for row in rows if row["item"]["id"] == item)


async def test_authors_are_names_and_not_accounts_of_people(world: World) -> None:
    """Only who imports it can be named by their own address; nobody signs in as an author that was made up."""
    history = await History.make(world)
    own, other = history.client.user, (await world.user()).user
    lines = [line(1, author=own.email.upper()), line(2, author=other.email), line(3, author="ann")]
    await history.tell(packed(lines))
    log = await history.log()
    assert log[0]["author"] == {"id": str(own.user_id), "display_name": own.display_name}
    assert log[1]["author"]["display_name"] == other.email
    assert log[1]["author"]["id"] != str(other.user_id)
    async with world.owner.read_session() as session:
        row = await session.execute(
            text("SELECT email, display_name, active FROM users WHERE user_id = :made"),
            {"made": log[2]["author"]["id"]},
        )
        email, shown, active = row.one()
    assert (shown, active) == ("ann", False)
    refused = await world.anonymous().post("/auth/sign-in", json={"email": email, "password": ""})
    assert refused.status_code in {401, 422}


async def test_baselines(world: World) -> None:
    """Of the end and of commits, sealed; the same again is nothing; what cannot be is refused beforehand."""
    history = await History.make(world)
    start = await history.head()
    for asked, code in (
        (["a@nothing"], "history_invalid"),
        (["a@c"], "history_invalid"),
        (["2026-01-01@c1"], "ref_name_invalid"),
        (["main"], "ref_name_taken"),
    ):
        job = await history.tell(packed(STORY), baseline=asked)
        assert (job["state"], job["error"]["code"]) == ("failed", code), asked
    assert await history.head() == start
    for _ in range(2):
        job = await history.tell(packed(STORY), baseline=["end", "early@c2"])
        assert (job["state"], job["error"]) == ("done", None)
    listed = (await history.get("/baselines"))["baselines"]
    assert {one["name"]: one["seq"] for one in listed} == {"end": start + 8, "early": start + 2}
    assert await history.shown("early") == await history.shown(str(start + 2))
    while await run_pending_seals(world.database, limit=1):
        pass
    listed = (await history.get("/baselines"))["baselines"]
    assert {one["seal"]["state"] for one in listed} == {"sealed"}
    assert await history.head() == start + 10
    moved = await history.tell(packed([*STORY, line(9)]), baseline=["end"])
    assert (moved["state"], moved["error"]["code"]) == ("failed", "history_invalid")
    assert await history.head() == start + 10
    assert await history.verified()


async def test_what_does_not_fit_is_refused_at_once(world: World) -> None:
    history = await History.make(world)
    path = f"/projects/{history.key}/history-imports"
    for form in ({"author": "ann"}, {"authored_at": "2026-01-01"}, {"baseline": ["a", "a@c1"]}):
        answer = await history.client.post(
            path, files={"file": ("a.jsonl", packed(STORY))}, data=form
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "history_invalid"), form
    assert (await history.get("/imports"))["imports"] == []
