"""Commits: merging, conflicts, no-ops, keys, concurrency."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from reqtrail.features.versioning.public import (
    Action,
    BaseInvalid,
    CommitRequest,
    EditConflict,
    EntityExists,
    EntityNotFound,
    Operation,
    OperationInvalid,
    commit_stream,
    log,
)
from reqtrail.kit.ids import new_id
from tests.factories.engine import BenchProject, create, delete, restore, update

pytestmark = pytest.mark.anyio


async def test_different_attributes_merge(project: BenchProject) -> None:
    """Two people who change different attributes both get what they want."""
    item = await project.create_item({"a": "1", "b": "1"})
    await project.edit_item(item, {"a": "2"}, base=2)
    result = await project.edit_item(item, {"b": "2"}, base=2)
    assert result.merged
    assert await project.attributes(item) == {"a": "2", "b": "2"}
    assert await project.attributes(item, 2) == {"a": "1", "b": "1"}


async def test_prose_merges_by_word(project: BenchProject) -> None:
    """Two people who change different words of one text both get what they want; markup keeps its structure."""
    item = await project.create_item(
        {"t": "The pump shall stop at once", "x": "<p>The <b>pump</b> shall stop</p>"}
    )
    await project.edit_item(
        item, {"t": "The big pump shall stop at once", "x": "<p>A <b>pump</b> shall stop</p>"}, 2
    )
    await project.edit_item(
        item, {"t": "The pump shall stop within 2 s", "x": "<p>The <b>pump</b> must stop</p>"}, 2
    )
    assert await project.attributes(item) == {
        "t": "The big pump shall stop within 2 s",
        "x": "<p>A <b>pump</b> must stop</p>",
    }


async def test_conflict_names_all_and_writes_nothing(project: BenchProject) -> None:
    """A conflict lists every field with base, ours and theirs; other operations of the commit are not written."""
    one = await project.create_item({"a": "base", "b": "base"})
    two = await project.create_item({"a": "x"})
    await project.edit_item(one, {"a": "theirs", "b": "theirs"}, base=3)
    with pytest.raises(EditConflict) as caught:
        await project.commit(
            update("item", one, attributes={"a": "ours", "b": "ours"}),
            update("item", two, attributes={"a": "y"}),
            base_seq=3,
        )
    conflicts = caught.value.extra["conflicts"]
    assert sorted(item["field_key"] for item in conflicts) == ["a", "b"]
    for item in conflicts:
        assert (item["kind"], item["id"], item["field"]) == ("item", one, "attributes")
        assert item["key"] == f"{project.key}-1"
        assert (item["base"], item["ours"], item["theirs"]) == ("base", "ours", "theirs")
    assert (await project.at()).seq == 4
    assert await project.attributes(two) == {"a": "x"}


async def test_edit_against_delete(project: BenchProject) -> None:
    """Deleting what somebody edited, and editing what somebody deleted, are conflicts."""
    item = await project.create_item({"a": "1"})
    await project.edit_item(item, {"a": "2"}, base=2)
    with pytest.raises(EditConflict):
        await project.commit(delete("item", item, base=2))
    await project.commit(delete("item", item, base=3))
    with pytest.raises(EditConflict):
        await project.edit_item(item, {"a": "3"}, base=3)
    again = await project.commit(delete("item", item, base=3))
    assert again.seq == 4, "deleting what is deleted changes nothing"


async def test_restore_merges_or_conflicts(project: BenchProject) -> None:
    """A restore brings back a past state, never over an edit that its author did not see."""
    item = await project.create_item({"a": "1"})
    await project.commit(delete("item", item))
    await project.commit(restore("item", item, 2, base=3))
    assert await project.attributes(item) == {"a": "1"}
    await project.edit_item(item, {"a": "2"})
    with pytest.raises(EditConflict):
        await project.commit(restore("item", item, 2, base=3))
    with pytest.raises(OperationInvalid):
        await project.commit(restore("item", item, 1))
    await project.commit(restore("item", item, 2))
    assert await project.attributes(item) == {"a": "1"}


async def test_no_op_takes_no_sequence(project: BenchProject) -> None:
    """What changes nothing is no commit; what is made and deleted at once neither."""
    item = await project.create_item({"a": "1"})
    before = await project.at()
    result = await project.edit_item(item, {"a": "1"})
    assert (result.seq, result.hash) == (before.seq, before.commit_hash)
    fresh = new_id()
    await project.commit(create("item", fresh), delete("item", fresh))
    assert await project.at() == before
    assert (await project.edit_item(item, {"a": "2"})).seq == before.seq + 1


async def test_one_revision_a_commit(project: BenchProject) -> None:
    """Several operations of one entity in one commit end in one revision."""
    item = new_id()
    result = await project.commit(
        create("item", item, attributes={"a": "1"}),
        update("item", item, attributes={"b": "2"}),
        update("item", item, attributes={"a": None}),
    )
    assert [(change.action, change.key) for change in result.changes] == [
        (Action.CREATE, f"{project.key}-1")
    ]
    assert await project.attributes(item) == {"b": "2"}


async def test_operations_that_do_not_fit(project: BenchProject) -> None:
    """Each misfit has its own error, and none takes a sequence."""
    item = await project.create_item({})
    with pytest.raises(EntityExists):
        await project.commit(create("item", item))
    with pytest.raises(EntityExists):
        await project.commit(create("document", item))
    fresh = new_id()
    with pytest.raises(EntityExists):
        await project.commit(create("document", fresh), create("item", fresh))
    with pytest.raises(EntityNotFound):
        await project.commit(delete("item", new_id()))
    with pytest.raises(OperationInvalid):
        await project.commit(update("item", item, colour="red"))
    with pytest.raises(OperationInvalid):
        await project.commit(update("unicorn", item))
    with pytest.raises(OperationInvalid):
        await project.edit_item(item, {"a": 0.5})
    with pytest.raises(BaseInvalid):
        await project.edit_item(item, {"a": "1"}, base=99)
    assert (await project.at()).seq == 2


async def test_kept_keys_raise_the_counter(project: BenchProject) -> None:
    """A key that an import keeps is never minted again; a taken one is refused."""
    kept = create("item", new_id())
    kept = Operation(kept.action, kept.kind, kept.entity_id, kept.fields, key=f"{project.key}-41")
    await project.commit(kept)
    result = await project.commit(create("item", new_id()))
    assert result.changes[0].key == f"{project.key}-42"
    twin = Operation(kept.action, kept.kind, new_id(), kept.fields, key=kept.key)
    with pytest.raises(EntityExists):
        await project.commit(twin)


async def test_parallel_writers_lose_nothing(project: BenchProject) -> None:
    """40 edits from 10 writers at once on one base: gapless sequences, each edit merged or refused with a conflict."""
    item = await project.create_item({f"k{n}": "0" for n in range(20)})

    async def write(number: int) -> bool:
        try:
            await project.edit_item(item, {f"k{number % 20}": f"w{number}"}, base=2)
        except EditConflict:
            return False
        return True

    limit = asyncio.Semaphore(10)

    async def bounded(number: int) -> bool:
        async with limit:
            return await write(number)

    accepted = await asyncio.gather(*(bounded(number) for number in range(40)))
    values = await project.attributes(item)
    winners = {f"w{number}" for number, ok in enumerate(accepted) if ok}
    assert winners == set(values.values()) and len(winners) == 20
    async with project.database.read_session() as session:
        records = await log(session, project.project_id, limit=100)
    assert [record.seq for record in records] == list(range(22, 0, -1))
    times = [record.recorded_at for record in records]
    assert times == sorted(times, reverse=True) and len(set(times)) == len(times)
    assert (await project.verify()).ok


async def test_stream_of_chunks_is_one_commit(project: BenchProject) -> None:
    """10,000 items in chunks are one commit, equal in form to any other."""
    ids = [new_id() for _ in range(10_000)]

    async def chunks() -> AsyncIterator[Sequence[Operation]]:
        for start in range(0, len(ids), 1000):
            yield [create("item", item, attributes={"a": "x"}) for item in ids[start:][:1000]]

    async with project.database.session() as session:
        request = CommitRequest(project.project_id, project.author_id, kind="import")
        result = await commit_stream(session, request, chunks())
    assert (result.seq, result.counts) == (2, {"item": 10_000})
    edits = [update("item", item, attributes={"a": "y"}) for item in ids]
    await project.commit(*edits, base_seq=2)
    assert (await project.verify()).ok


@pytest.mark.parametrize(
    "operation",
    [
        create("item", new_id(), attributes={"a": "x\x00y"}),
        create("item", new_id(), attributes={"x\x00y": "a"}),
        create("item", new_id(), attributes={"a": ["x", {"b": "\x00"}]}),
        create("document", new_id(), title="\x00"),
        Operation(Action.CREATE, "item", new_id(), create("item", new_id()).fields, key="A\x00"),
    ],
)
async def test_a_nul_character_is_refused_before_the_database(
    project: BenchProject, operation: Operation
) -> None:
    """PostgreSQL cannot store it, in text or in JSON: the engine says so, whoever calls it."""
    with pytest.raises(OperationInvalid, match="NUL"):
        await project.commit(operation)
    assert (await project.at()).seq == 1


async def test_what_only_looks_like_a_nul_is_kept(project: BenchProject) -> None:
    """A backslash and letters are text like any other."""
    item = await project.create_item({"a": "\\u0000"})
    assert await project.attributes(item) == {"a": "\\u0000"}
    assert (await project.verify()).ok


@pytest.mark.parametrize("field", [{"message": "\x00"}, {"details": {"a": ["\x00"]}}])
async def test_a_nul_character_in_the_commit_itself_is_refused(
    project: BenchProject, field: dict[str, object]
) -> None:
    with pytest.raises(OperationInvalid, match="NUL"):
        await project.commit(create("item", new_id()), **field)


async def test_a_later_operation_of_a_commit_knows_what_an_earlier_one_made(
    project: BenchProject,
) -> None:
    """The key that an item was given stays with it, also where a conflict is told by it."""
    item = new_id()
    result = await project.commit(
        create("item", item, attributes={"a": "one"}), update("item", item, attributes={"a": "two"})
    )
    (change,) = result.changes
    state = await project.state("item", item)
    assert state is not None and state.key is not None
    assert (change.action, change.key) == (Action.CREATE, state.key)
    assert state.content["attributes"] == {"a": "two"}
    again = await project.commit(
        update("item", item, attributes={"a": "three"}),
        update("item", item, attributes={"b": "four"}),
    )
    assert [one.key for one in again.changes] == [state.key]


@pytest.mark.parametrize("keep_empty", [False, True])
async def test_a_stream_that_changes_nothing_is_a_commit_only_if_that_is_asked_for(
    project: BenchProject, keep_empty: bool
) -> None:
    item = await project.create_item({"a": "1"})

    async def chunks() -> AsyncIterator[Sequence[Operation]]:
        yield [update("item", item, attributes={"a": "1"})]

    before = await project.at()
    async with project.database.session() as session:
        request = CommitRequest(project.project_id, project.author_id, kind="import")
        result = await commit_stream(session, request, chunks(), keep_empty=keep_empty)
    assert result.seq == before.seq + keep_empty and not result.counts
    assert (await project.at()).seq == result.seq
    assert (await project.verify()).ok
