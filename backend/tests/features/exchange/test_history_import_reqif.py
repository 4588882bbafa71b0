"""ReqIF files one after another as the states of a history: dates, authors, baselines, the same again."""

from __future__ import annotations

import pytest

from tests.features.exchange.sample import MOMENT, sample
from tests.features.exchange.told import History
from tests.features.exchange.trade import Json
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio

HEADER = f"<CREATION-TIME>{MOMENT}</CREATION-TIME>"


def dated(data: bytes, time: str) -> bytes:
    """Return *data* with another time in its header."""
    changed = data.replace(HEADER.encode(), f"<CREATION-TIME>{time}</CREATION-TIME>".encode())
    assert changed != data
    return changed


FIRST = dated(sample("abc"), "2021-05-01T10:00:00+02:00")
SECOND = dated(sample("bcd", {"b": "changed"}, links="bc"), "2022-05-01T10:00:00Z")
"""Without a, with d, b changed."""


async def _told(history: History) -> list[Json]:
    first = await history.tell(FIRST, "2021.reqif", author="Supplier", baseline=["A"])
    second = await history.tell(SECOND, "2022.reqif", author="Supplier", baseline=["B", "last"])
    assert [job["error"] for job in (first, second)] == [None, None]
    return [first, second]


async def _items(history: History, at: str) -> dict[str, str]:
    (document,) = (await history.get("/documents", at=at))["documents"]
    rows = (await history.get(f"/documents/{document['id']}/rows", at=at))["rows"]
    return {row["item"]["title"]: row["item"]["id"] for row in rows}


async def test_each_file_is_a_commit_of_its_date(world: World) -> None:
    """Items are the same ones in each state; dates and baselines name the states; the author is who was named."""
    history = await History.make(world)
    start = await history.head()
    first, second = await _told(history)
    a, b = (job["commit"]["seq"] for job in (first, second))
    assert a == start + 1
    log = {entry["seq"]: entry for entry in await history.log()}
    assert log[a]["authored_at"].startswith("2021-05-01T08:00:00")
    assert log[b]["author"]["display_name"] == "Supplier"
    assert log[b]["details"]["imported_by"] == str(history.client.user.user_id)
    assert log[b]["details"]["author"] == "Supplier"
    then, now = await _items(history, "A"), await _items(history, "B")
    assert set(then) == {"Text of a.", "Text of b.", "Text of c."}
    assert set(now) == {"changed", "Text of c.", "Text of d."}
    assert now["changed"] == then["Text of b."]
    for at, seq in (("2021-12-31", a), ("2022-05-01", b), ("2021-05-01T08:00Z", a)):
        assert (await history.get("/refs/resolve", ref=at))["seq"] == seq
    assert await history.verified()


async def test_the_same_files_again_add_nothing(world: World) -> None:
    """Not even the older one, which would bring back what the newer one changed."""
    history = await History.make(world)
    jobs = await _told(history)
    head = await history.head()
    again = await _told(history)
    assert [job["commit"] for job in again] == [job["commit"] for job in jobs]
    assert await history.head() == head
    assert set(await _items(history, "main")) == {"changed", "Text of c.", "Text of d."}


async def test_a_state_that_changed_nothing_is_a_commit_too(world: World) -> None:
    history = await History.make(world)
    await _told(history)
    head = await history.head()
    job = await history.tell(SECOND, "2023.reqif", authored_at="2023-01-01", baseline=["C"])
    assert (job["error"], job["commit"]) == (None, {"seq": head + 1})
    assert await _items(history, "C") == await _items(history, "B")
    assert (await history.log())[-2]["author"]["id"] == str(history.client.user.user_id)


async def test_a_dry_run_writes_nothing(world: World) -> None:
    history = await History.make(world)
    start = await history.head()
    job = await history.tell(
        FIRST, "2021.reqif", mode="dry_run", author="Nobody yet", baseline=["A"]
    )
    assert (job["state"], job["counts"]["items"], await history.head()) == (
        "dry_run_ready",
        3,
        start,
    )
    assert (await history.get("/baselines"))["baselines"] == []
    answer = await history.client.post(f"/projects/{history.key}/imports/{job['id']}/commit")
    assert answer.status_code == 202
    assert (await history.finish(job["id"]))["commit"] == {"seq": start + 1}
    assert [entry["name"] for entry in (await history.get("/baselines"))["baselines"]] == ["A"]


async def test_without_a_date_it_is_refused(world: World) -> None:
    """The header says it, or the newest object, or the one who imports it."""
    history = await History.make(world)
    bare = FIRST.replace(b"<CREATION-TIME>2021-05-01T10:00:00+02:00</CREATION-TIME>", b"")
    none = bare.replace(f' LAST-CHANGE="{MOMENT}"'.encode(), b"")
    job = await history.tell(none, "none.reqif")
    assert (job["state"], job["error"]["code"]) == ("failed", "history_invalid")
    assert "date" in job["error"]["detail"]
    job = await history.tell(none, "none.reqif", authored_at="2020-02-02T00:00:00Z")
    assert job["state"] == "done"
    job = await history.tell(bare, "bare.reqif")
    assert job["state"] == "done"
    times = [entry["authored_at"][:10] for entry in await history.log()]
    assert times == ["2020-02-02", MOMENT[:10]]


@pytest.mark.parametrize(
    ("name", "code"),
    [("A@x", "history_invalid"), ("main", "ref_name_taken"), ("2026-01-01", "ref_name_invalid")],
)
async def test_baselines_that_cannot_be(world: World, name: str, code: str) -> None:
    history = await History.make(world)
    start = await history.head()
    job = await history.tell(FIRST, "2021.reqif", baseline=[name])
    assert (job["state"], job["error"]["code"], await history.head()) == ("failed", code, start)
