"""Refs, history, undo and redo."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reqtrail.features.versioning.public import (
    EditConflict,
    NothingToUndo,
    RefBeforeProject,
    RefInvalid,
    RefNotFound,
    log,
    redo,
    revert,
    undo,
)
from reqtrail.kit import clock
from tests.factories.engine import Bench, BenchProject, delete, restore, update

pytestmark = pytest.mark.anyio


async def test_refs(project: BenchProject) -> None:
    """Every spelling of a ref names the version that it should; what names none says why."""
    item = await project.create_item({"a": "1"})
    second = await project.at(2)
    await project.edit_item(item, {"a": "2"})
    for ref in ("2", "@2", "main@2", clock.isoformat(second.recorded_at)):
        assert (await project.at(ref)).commit_hash == second.commit_hash
    today = second.recorded_at.astimezone(UTC).date()
    for newest in (None, "main", "main@3", "3", f"main@{today + timedelta(days=1)}"):
        snapshot = await project.at(newest)
        assert (snapshot.seq, snapshot.is_head) == (3, True)
    for ref, error in (
        ("99", RefNotFound),
        ("branch", RefNotFound),
        ("main@", RefInvalid),
        ("2026-13-45", RefInvalid),
        ("1999-01-01", RefBeforeProject),
    ):
        with pytest.raises(error):
            await project.at(ref)


async def test_authored_dates_answer_only_before_the_first_record(project: BenchProject) -> None:
    """Imported history is found by its own dates, and never changes what a later date names."""
    item = await project.create_item({"a": "1"})
    then = (await project.at()).recorded_at
    authored = datetime(2020, 5, 1, tzinfo=UTC)
    await project.commit(
        update("item", item, attributes={"a": "old"}), kind="import", authored_at=authored
    )
    assert (await project.at("2021-01-01")).seq == 3
    assert (await project.at(clock.isoformat(then))).seq == 2
    with pytest.raises(RefBeforeProject):
        await project.at("2019-01-01")


async def test_undo_and_redo_are_stacks(project: BenchProject) -> None:
    """Undo goes back commit by commit, redo forth; an edit in between empties the redo stack."""
    item = await project.create_item({"a": "1"})
    await project.edit_item(item, {"a": "2"})
    await project.edit_item(item, {"a": "3"})

    async def act(verb: object) -> str:
        async with project.database.session() as session:
            await verb(session, project.project_id, project.author_id)  # type: ignore[operator]
        return str((await project.attributes(item))["a"])

    assert [await act(verb) for verb in (undo, undo, redo, redo, undo)] == list("21232")
    await project.edit_item(item, {"a": "4"})
    with pytest.raises(NothingToUndo):
        await act(redo)
    assert [await act(undo), await act(undo)] == ["2", "1"]


async def test_an_undo_says_what_it_takes_back(project: BenchProject) -> None:
    """By the message of that commit, or by its number if it has none."""
    item = await project.create_item({"a": "1"})
    await project.commit(update("item", item, attributes={"a": "2"}), message="Make it two")
    await project.commit(update("item", item, attributes={"a": "3"}))
    async with project.database.session() as session:
        for verb in (undo, undo, redo, redo):
            await verb(session, project.project_id, project.author_id)
        newest = await log(session, project.project_id, limit=4)
    assert [(one.kind, one.message) for one in newest[::-1]] == [
        ("undo", "Undo of version 4"),
        ("undo", "Undo: Make it two"),
        ("redo", "Redo: Make it two"),
        ("redo", "Redo of version 4"),
    ]
    assert [one.details for one in newest[::-1]] == [
        {"reverts": 4},
        {"reverts": 3},
        {"reverts": 6, "redoes": 3},
        {"reverts": 5, "redoes": 4},
    ]


async def test_revert_of_a_deletion_brings_back_what_was_deleted(project: BenchProject) -> None:
    """What a deleted item held last is not visible: deleting an older state of it since is no conflict."""
    item = await project.create_item({"a": "one"})
    await project.edit_item(item, {"a": "two"})
    deletion = await project.commit(delete("item", item))
    await project.commit(restore("item", item, 2))
    await project.commit(delete("item", item))
    async with project.database.session() as session:
        await revert(session, project.project_id, deletion.seq, project.author_id)
    assert await project.attributes(item) == {"a": "two"}


async def test_revert_keeps_what_came_after(bench: Bench, project: BenchProject) -> None:
    """A revert takes back its commit alone; a change of the same thing since is a conflict."""
    item = await project.create_item({"a": "1", "b": "1"})
    await project.commit(update("item", item, attributes={"a": "2"}, extra={"x": "1", "y": "1"}))
    await project.commit(update("item", item, attributes={"b": "2"}))
    async with project.database.session() as session:
        await revert(session, project.project_id, 3, project.author_id)
    state = await project.state("item", item)
    assert state is not None
    assert (state.content["attributes"], state.content["extra"]) == ({"a": "1", "b": "2"}, None)
    await project.edit_item(item, {"b": "3"})
    with pytest.raises(EditConflict):
        async with project.database.session() as session:
            await revert(session, project.project_id, 4, project.author_id)
