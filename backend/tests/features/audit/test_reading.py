"""Searching, paging, exporting: what owners see of their project, and administrators of the instance."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from tests.features.audit.events import recorded
from tests.fixtures.api import Client, World

pytestmark = pytest.mark.anyio

Json = dict[str, Any]


async def _events(client: Client, path: str, **params: Any) -> list[Json]:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["events"])


async def test_owners_see_their_project_alone(world: World) -> None:
    """Nobody else's events are among them, and nobody but owners sees them."""
    owner, other = await world.user(name="Ada"), await world.user()
    key, _ = await world.project(owner), await world.project(other)
    viewer = await world.member(key, "editor")
    events = await _events(owner, f"/projects/{key}/audit")
    assert [event["action"] for event in events] == ["member:put", "project:create"]
    assert events[1]["actor"]["display_name"].startswith("Ada")
    assert events[1]["new"] == {"key": key, "name": "A project"}
    assert (await viewer.get(f"/projects/{key}/audit")).status_code == 403
    assert (await other.get(f"/projects/{key}/audit")).status_code == 404
    assert (await owner.get("/audit")).status_code == 403


async def test_administrators_see_everything(world: World) -> None:
    """The instance's own events, and with them those of all projects."""
    administrator, owner = await world.administrator(), await world.user()
    await world.project(owner)
    await owner.post("/me/tokens", json={"name": "ci"})
    everything = await _events(administrator, "/audit", actor=str(owner.user.user_id))
    assert [event["action"] for event in everything] == ["token:create", "project:create"]
    alone = await _events(administrator, "/audit", actor=str(owner.user.user_id), scope="instance")
    assert [event["action"] for event in alone] == ["token:create"]
    assert alone[0]["project_id"] is None


async def test_filters(world: World) -> None:
    """Each narrows what is found; together they do too; a percent sign is a percent sign."""
    owner = await world.user()
    key = await world.project(owner)
    path = f"/projects/{key}/audit"
    await owner.patch(f"/projects/{key}", json={"name": "100% done"})
    viewer = await world.member(key, "viewer")
    await viewer.patch(f"/projects/{key}", json={"name": "Mine"})
    everything = await _events(owner, path)
    moment = everything[2]["occurred_at"]

    async def actions(**params: Any) -> list[str]:
        return [event["action"] for event in await _events(owner, path, **params)]

    assert await actions(action="member") == ["member:put"]
    assert await actions(action="project:create") == ["project:create"]
    assert await actions(actor=str(viewer.user.user_id)) == ["project:update"]
    assert await actions(outcome="refused") == ["project:update"]
    assert await actions(subject=str(viewer.user.user_id)) == ["member:put"]
    assert await actions(q=str(viewer.user.user_id)[:20].upper()) == ["member:put"]
    assert await actions(q="%") == ["project:update"]
    assert await actions(until=moment) == ["project:create"]
    assert await actions(since=moment, action="project") == ["project:update"] * 2
    assert await actions(since=moment, action="member", outcome="refused") == []


async def test_pages_stand_still_while_events_arrive(world: World) -> None:
    """What comes after a cursor is the same whatever happens meanwhile: no event twice, none left out."""
    owner = await world.user()
    key = await world.project(owner)
    for number in range(7):
        await owner.patch(f"/projects/{key}", json={"name": f"Before {number}"})
    before = [event["id"] for event in await _events(owner, f"/projects/{key}/audit")]
    seen, cursor = [], None
    while True:
        params = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        page = (await owner.get(f"/projects/{key}/audit", params=params)).json()
        seen += [event["id"] for event in page["events"]]
        cursor = page["next"]
        if cursor is None:
            break
        await owner.patch(f"/projects/{key}", json={"name": f"After {cursor[-5:]}"})
    assert seen == before
    wrong = await owner.get(f"/projects/{key}/audit", params={"cursor": "nonsense"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "cursor_invalid")


async def test_exports(world: World) -> None:
    """Both forms hold every event, oldest first; a spreadsheet runs nothing; the export is an event."""
    owner = await world.user(name="=cmd()")
    key = await world.project(owner)
    await owner.patch(f"/projects/{key}", json={"name": "Renamed"})
    path = f"/projects/{key}/audit/export"
    async with recorded(world) as events:
        answer = await owner.get(path, params={"format": "csv"})
    assert events.actions == ["audit:export"]
    assert answer.headers["content-disposition"] == f'attachment; filename="audit-{key}.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["action"] for row in rows] == ["project:create", "project:update", "audit:export"]
    assert rows[0]["actor_name"].startswith("'=cmd()")
    assert json.loads(rows[0]["new"]) == {"key": key, "name": "A project"}
    answer = await owner.get(path, params={"format": "jsonl", "action": "project"})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["action"] for line in lines] == ["project:create", "project:update"]
    assert set(lines[0]) == set(rows[0])


async def test_the_state_of_the_seals(world: World) -> None:
    """Owners and administrators see how much is sealed and what waits."""
    owner, administrator = await world.user(), await world.administrator()
    key = await world.project(owner)
    for client, path in ((owner, f"/projects/{key}/audit/seal"), (administrator, "/audit/seal")):
        state = (await client.get(path)).json()
        assert state["sealed"] >= 0 and state["unsealed"] >= 0
        assert (state["root"] is None) == (state["sealed"] == 0)
    report = (await administrator.post("/audit/verify")).json()
    assert report["ok"], report
