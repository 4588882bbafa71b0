"""The real history of the Zephyr project's requirements: each commit, each state, each date."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from tests.features.exchange.schema import problems
from tests.features.exchange.told import (
    SHARED,
    ZEPHYR,
    ZEPHYR_HEAD,
    History,
    replayed,
    strictdoc_head,
    zephyr_lines,
)
from tests.fixtures.api import World

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        not (ZEPHYR.exists() and ZEPHYR_HEAD.exists()),
        reason="the shared data with the real history is not beside this clone",
    ),
]
SEED = 166


async def test_the_real_history(world: World) -> None:
    """166 commits as they were, the head of the StrictDoc files, ten states, dates; a second import adds nothing."""
    history = await History.make(world)
    lines = zephyr_lines()
    start = await history.head()
    job = await history.tell(ZEPHYR.read_bytes(), ZEPHYR.name)
    assert (job["state"], job["error"], job["losses"]) == ("done", None, [])
    counts = job["counts"]
    assert (counts["lines"], counts["commits"], counts["items"]) == (166, 166, 288)
    await _check_log(history, lines)
    assert _stripped(await history.shown()) == _stripped(strictdoc_head())
    chosen = random.Random(SEED).sample(range(len(lines)), 10)
    for index in sorted(chosen):
        assert await history.shown(str(start + index + 1)) == replayed(lines[: index + 1]), index
    await _check_dates(history, lines, start)
    assert await history.verified()
    again = await history.tell(ZEPHYR.read_bytes(), ZEPHYR.name)
    assert (again["state"], again["counts"]["commits"]) == ("done", 0)
    assert await history.head() == start + 166
    assert again["commit"] == {"seq": start + 166}


def _stripped(told: object) -> object:
    """The lines were made by a tool that drops white space around values."""
    assert isinstance(told, dict)
    return {
        uid: (doc, {name: value.strip() for name, value in fields.items()}, relations)
        for uid, (doc, fields, relations) in told.items()
    }


async def _check_log(history: History, lines: list[dict[str, object]]) -> None:
    commits = await history.log()
    assert len(commits) == len(lines) == 166
    for commit, line in zip(commits, lines, strict=True):
        assert commit["message"] == line["subject"]
        assert commit["author"]["display_name"] == line["author"]
        assert datetime.fromisoformat(commit["authored_at"]).timestamp() == line["time"]
        assert commit["details"]["history"]["commit"] == line["commit"]


async def _check_dates(history: History, lines: list[dict[str, object]], start: int) -> None:
    """A moment names the newest commit made by then."""
    times = [int(str(line["time"])) for line in lines]
    for moment in (times[0], times[40], times[40] - 1, times[100] + 1, times[-1] + 1):
        expected = start + max(at for at, time in enumerate(times, 1) if time <= moment)
        at = datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")
        assert (await history.get("/refs/resolve", ref=at))["seq"] == expected
    answer = await history.client.get(
        f"/projects/{history.key}/refs/resolve", params={"ref": "2020-01-01"}
    )
    assert answer.status_code == 404


async def test_items_keep_their_identity(world: World) -> None:
    """Through a move to another document and two new UIDs, an item is one item with one history."""
    history = await History.make(world)
    await history.tell(ZEPHYR.read_bytes(), ZEPHYR.name)
    lines = zephyr_lines()
    first = lines[0]["changes"][0]["uid"]
    rename = next(line for line in lines if {"op": "delete", "uid": first} in line["changes"])
    (added,) = (item["uid"] for item in rename["changes"] if item["op"] == "add")
    assert (first, added) == ("ZEP-ARCH-001", "ZEP-1")
    begin, after = await _item(history, "2", first), await _item(
        history, _seq(lines, rename), added
    )
    assert begin["id"] == after["id"]
    assert begin["key"] == after["key"]
    entries = (await history.get(f"/history/{begin['id']}"))["entries"]
    assert {entry["change"] for entry in entries[:-1]} <= {"changed", "removed"}
    assert entries[-1]["change"] == "added"


def _seq(lines: list[dict[str, object]], wanted: object) -> str:
    return str(lines.index(wanted) + 2)  # type: ignore[arg-type]


async def _item(history: History, at: str, uid: str) -> dict[str, object]:
    for document in (await history.get("/documents", at=at))["documents"]:
        rows = await history.get(f"/documents/{document['id']}/rows", at=at, limit=5000)
        for row in rows["rows"]:
            if uid in row["item"]["attributes"].values():
                return dict(row["item"])
    raise AssertionError(f"{uid} is not there at {at}")


async def test_an_imported_history_leaves_as_reqif_at_any_version(world: World) -> None:
    """Valid, and the same items when it comes into another project."""
    history = await History.make(world)
    await history.tell(ZEPHYR.read_bytes(), ZEPHYR.name, baseline=["end"])
    other = await History.make(world)
    for at in ("2023-12-31", "end"):
        data = await history.fetch(at=at)
        assert problems(data, SHARED / "data" / "schema") == []
    job = await other.bring(data)
    assert (job["state"], job["counts"]["items"], job["losses"]) == ("done", 288, [])
    shown = await other.shown()
    assert {uid: told[1] for uid, told in shown.items()} == {
        uid: told[1] for uid, told in (await history.shown()).items()
    }
