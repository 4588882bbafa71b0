"""Workers act for the author of a job, in the one project of it, while the author may."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from tests.features.exchange.sample import sample
from tests.features.exchange.trade import Trade, nothing_waits, work
from tests.fixtures.api import Client, World
from tests.fixtures.statements import is_housekeeping

pytestmark = pytest.mark.anyio


async def _sent_by(trade: Trade, author: Client) -> str:
    files = {"file": ("file.reqif", sample())}
    path = f"/projects/{trade.key}/imports"
    answer = await author.post(path, files=files, data={"mode": "commit"})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def test_an_import_ends_with_the_access_of_its_author(world: World) -> None:
    """It fails with a reason, and nothing of it is written."""
    trade = await Trade.make(world)
    author = await world.member(trade.key, "editor")
    head = await trade.head()
    job = await _sent_by(trade, author)
    gone = await trade.client.delete(f"/projects/{trade.key}/members/{author.user.user_id}")
    assert gone.status_code == 204
    ended = await trade.finish(job)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "project_not_found")
    assert await trade.head() == head


async def test_an_import_goes_on_through_a_group(world: World) -> None:
    """Access is access, whatever gives it."""
    trade = await Trade.make(world)
    author, administrator = await world.user(), await world.administrator()
    group = (await administrator.post("/groups", json={"name": f"Of {trade.key}"})).json()
    member = f"/groups/{group['id']}/members/{author.user.user_id}"
    assert (await administrator.put(member, json={"manages": False})).status_code == 200
    grant = f"/projects/{trade.key}/groups/{group['id']}"
    assert (await administrator.put(grant, json={"role": "editor"})).status_code == 200
    ended = await trade.finish(await _sent_by(trade, author))
    assert ended["state"] == "done", ended["error"]


async def test_each_transaction_of_a_worker_says_for_whom_it_is(world: World) -> None:
    """The first statement of each names a task, a project or an author; no other reads a row of a project."""
    trade = await Trade.make(world)
    await nothing_waits(world)
    await trade.send(sample())
    began: list[str] = []
    engine = world.database.engine.sync_engine

    def begin(connection: object) -> None:
        if not is_housekeeping():
            began.append("")

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if began and not began[-1] and not is_housekeeping():
            began[-1] = statement

    event.listen(engine, "begin", begin)
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert await work(world) == 1
    finally:
        event.remove(engine, "begin", begin)
        event.remove(engine, "before_cursor_execute", note)
    assert len(began) > 5
    assert [statement for statement in began if "set_config('reqtrail." not in statement] == []
