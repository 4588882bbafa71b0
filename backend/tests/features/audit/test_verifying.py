"""What was sealed cannot be removed, changed or added to without being named; an honest record is never accused."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest

from reqtrail.features.audit.public import SealKeys, seal_events
from reqtrail.platform.settings import Settings
from tests.features.audit.record import Record
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio

SEEDS = 50


@pytest.fixture
async def record(world: World, settings: Settings) -> AsyncIterator[Record]:
    """A record of a few events, sealed in three steps."""
    made = await Record.make(world, settings)
    for count in (1, 5, 12):
        await made.write(count)
        await made.seal()
    yield made
    made.enemy.close()


async def test_an_honest_record(record: Record) -> None:
    """Whatever is sealed and whatever waits, an honest record agrees, and says how much waits since when."""
    report = await record.verify()
    assert report["ok"] and report["problems"] == []
    assert (report["sealed"], report["unsealed"], report["checkpoints"]) == (19, 0, 3)
    await record.write(3)
    report = await record.verify()
    assert report["ok"]
    assert (report["sealed"], report["unsealed"]) == (19, 3)
    assert report["unsealed_since"] is not None
    await record.seal()
    report = await record.verify()
    assert report["ok"] and (report["sealed"], report["unsealed"]) == (22, 0)


async def test_fifty_tampered_records(record: Record) -> None:
    """Each removed, changed or inserted event is found, and named as the first; repaired, the record agrees again."""
    for seed in range(SEEDS):
        what, event_id, repair = record.tamper(random.Random(seed))
        report = await record.verify()
        assert not report["ok"], f"seed {seed}: {what}"
        first = report["problems"][0]
        assert first["what"] == what, f"seed {seed}: {report}"
        if event_id is not None:
            assert first["event_id"] == str(event_id), f"seed {seed}: {report}"
        repair()
    assert (await record.verify())["ok"]


async def test_an_event_that_goes_with_its_leaf(record: Record) -> None:
    """Whoever removes the leaf too is found by the leaf that is missing, at the end by the signature."""
    leaves = record.rows("audit_leaves", "seq")
    for seq in (7, 18):
        event_id = leaves[seq]["event_id"]
        for table in ("audit_events", "audit_leaves"):
            query = f"DELETE FROM {table} WHERE project_id = %s AND event_id = %s"
            record.enemy.execute(query.encode(), [record.project_id, event_id])
        report = await record.verify()
        assert not report["ok"] and report["problems"][0]["what"] == "tree", report
        assert report["problems"][0]["seq"] in (7, 18)


async def test_an_event_that_is_changed_with_its_leaf(record: Record) -> None:
    """The next signature is not under this tree."""
    record.enemy.execute(
        "UPDATE audit_leaves SET leaf = sha256('x'::bytea) WHERE project_id = %s AND seq = 3",
        [record.project_id],
    )
    problems = (await record.verify())["problems"]
    assert {"changed", "tree"} <= {problem["what"] for problem in problems}
    tree = next(problem for problem in problems if problem["what"] == "tree")
    assert tree["seq"] == 6, "the first signature above it covers seven events"


async def test_a_signature_of_somebody_else(record: Record) -> None:
    """A tree that is made anew needs the key, which is not in the database."""
    record.enemy.execute(
        "UPDATE audit_checkpoints SET signature = sha512('x'::bytea) WHERE project_id = %s",
        [record.project_id],
    )
    problems = (await record.verify())["problems"]
    assert {problem["what"] for problem in problems} == {"signature"}
    assert len(problems) == 3


async def test_an_event_removed_before_it_is_sealed(record: Record) -> None:
    """Its place in the queue remains, and so the record says that something was there."""
    await record.write(2)
    newest = record.rows("audit_events", "occurred_at, event_id")[-2]
    record.remove(newest)
    await record.seal()
    first = (await record.verify())["problems"][0]
    assert (first["what"], first["event_id"]) == ("removed", str(newest["event_id"]))


async def test_any_number_of_sealers(record: Record, world: World) -> None:
    """Two sealers at once seal each event once; a key that replaced another leaves the older signatures good."""
    seeds = [bytes([number]) * 32 for number in (1, 2)]
    await record.write(4)
    old, both = SealKeys(seeds[:1]), SealKeys([seeds[1], seeds[0]])
    assert await seal_events(world.database, old) >= 4
    await record.write(1)
    await seal_events(world.database, both)
    before = world.app.state.seal_keys
    world.app.state.seal_keys = both
    try:
        problems = (await record.verify())["problems"]
    finally:
        world.app.state.seal_keys = before
    # Only what the key of the fixture signed is unknown to these two.
    assert {problem["what"] for problem in problems} == {"signature"} and len(problems) == 3
