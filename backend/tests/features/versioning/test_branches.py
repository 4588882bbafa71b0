"""Branches, updates, merges and baselines, straight through the engine."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from reqtrail.features.versioning import errors
from reqtrail.features.versioning.public import ancestry, load_branches
from reqtrail.features.versioning.service import branches, merging
from reqtrail.features.versioning.service.history import log
from reqtrail.features.versioning.service.merge_plan import MERGE, UPDATE, MergePlan
from reqtrail.features.versioning.service.merge_plan import preview as plan_merge
from reqtrail.features.versioning.service.three_way import Resolution
from reqtrail.features.versioning.types import CommitResult
from reqtrail.kit.ids import new_id
from tests.factories.engine import Bench, BenchProject, create, delete, update

pytestmark = pytest.mark.anyio


async def branch(project: BenchProject, name: str, at: str | None = None) -> UUID:
    async with project.database.session() as session:
        result = await branches.create_branch(
            session, project.project_id, project.author_id, name, at
        )
    return result.snapshot.branch_id


async def merge(
    project: BenchProject, branch_id: UUID, how: str, *chosen: Resolution
) -> CommitResult:
    async with project.database.session() as session:
        return await merging.merge(
            session, project.project_id, project.author_id, branch_id, how, resolutions=chosen
        )


async def preview(project: BenchProject, branch_id: UUID, how: str) -> MergePlan:
    async with project.database.read_session() as session:
        return await plan_merge(session, project.project_id, branch_id, how)


async def value(project: BenchProject, item: UUID, ref: str) -> Any:
    return (await project.attributes(item, ref)).get("a")


async def test_a_branch_reads_as_its_base_until_it_writes(project: BenchProject) -> None:
    item = await project.create_item({"a": "one"})
    await branch(project, "work")
    assert await value(project, item, "work") == "one"
    await project.edit_item(item, {"a": "two"})
    assert await value(project, item, "work") == "one"
    await project.commit(update("item", item, attributes={"a": "three"}), branch="work")
    assert await value(project, item, "work") == "three"
    assert await value(project, item, "main") == "two"
    assert (await project.verify()).ok


async def test_update_then_merge(project: BenchProject) -> None:
    one = await project.create_item({"a": "one"})
    two = await project.create_item({"a": "one"})
    work = await branch(project, "work")
    await project.commit(update("item", one, attributes={"a": "ours"}), branch="work")
    await project.edit_item(two, {"a": "theirs"})
    await merge(project, work, UPDATE)
    assert await value(project, two, "work") == "theirs"
    assert await value(project, one, "work") == "ours"
    assert await value(project, one, "main") == "one"
    result = await merge(project, work, MERGE)
    assert await value(project, one, "main") == "ours"
    assert [change.entity_id for change in result.changes] == [one]
    assert not (await merge(project, work, MERGE)).changes
    report = await project.verify()
    assert report.ok, report.problems


async def test_what_was_merged_and_then_deleted_does_not_come_back(project: BenchProject) -> None:
    work = await branch(project, "work")
    item = UUID(int=7)
    await project.commit(create("item", item, attributes={"a": "x"}), branch="work")
    await merge(project, work, MERGE)
    await project.commit(delete("item", item))
    other = UUID(int=8)
    await project.commit(create("item", other, attributes={"a": "y"}), branch="work")
    await merge(project, work, MERGE)
    state = await project.state("item", item, "main")
    assert state is not None and state.deleted
    await merge(project, work, UPDATE)
    state = await project.state("item", item, "work")
    assert state is not None and state.deleted
    report = await project.verify()
    assert report.ok, report.problems


async def test_a_conflict_is_refused_then_resolved(project: BenchProject) -> None:
    item = await project.create_item({"a": "one"})
    work = await branch(project, "work")
    await project.commit(update("item", item, attributes={"a": "ours"}), branch="work")
    await project.edit_item(item, {"a": "theirs"})
    plan = await preview(project, work, UPDATE)
    (conflict,) = plan.conflicts
    assert (conflict.base, conflict.ours, conflict.theirs) == ("one", "ours", "theirs")
    before = await project.at("work")
    with pytest.raises(errors.MergeConflict):
        await merge(project, work, UPDATE)
    assert await project.at("work") == before
    with pytest.raises(errors.ResolutionInvalid):
        await merge(project, work, UPDATE, Resolution("item", item, "attributes", "b", "ours"))
    await merge(project, work, UPDATE, Resolution("item", item, "attributes", "a", "ours"))
    assert await value(project, item, "work") == "ours"
    await merge(project, work, MERGE)
    assert await value(project, item, "main") == "ours"


async def test_a_child_added_below_a_deleted_parent_is_a_choice(project: BenchProject) -> None:
    document, item, parent, child = (UUID(int=number) for number in range(1, 5))
    await project.commit(
        create("document", document),
        create("item", item),
        create("placement", parent, document_id=document, item_id=item),
    )
    work = await branch(project, "work")
    await project.commit(
        create("placement", child, document_id=document, item_id=item, parent_id=parent),
        branch="work",
    )
    await project.commit(delete("placement", parent))
    for how in (UPDATE, MERGE):
        plan = await preview(project, work, how)
        assert {(one.entity_id, one.field) for one in plan.open_conflicts} >= {
            (parent, "existence"),
            (child, "existence"),
        }
        with pytest.raises(errors.MergeConflict):
            await merge(project, work, how)
    await merge(project, work, UPDATE, Resolution("placement", parent, "existence", None, "ours"))
    await merge(project, work, MERGE)
    state = await project.state("placement", child, "main")
    assert state is not None and not state.deleted
    report = await project.verify()
    assert report.ok, report.problems


async def test_names_and_states(project: BenchProject) -> None:
    await project.create_item({"a": "one"})
    work = await branch(project, "work")
    for name, error in (
        ("Work", errors.RefNameTaken),
        ("12", errors.RefNameInvalid),
        ("2026-01-01", errors.RefNameInvalid),
        ("a@b", errors.RefNameInvalid),
        (" ", errors.RefNameInvalid),
    ):
        with pytest.raises(error):
            await branch(project, name)
    async with project.database.session() as session:
        await branches.rename_branch(session, project.project_id, project.author_id, work, "play")
    assert (await project.at("work")).branch == "play"
    async with project.database.session() as session:
        await branches.create_baseline(
            session, project.project_id, project.author_id, "Release 1", "main"
        )
    baseline = await project.at("Release 1")
    for moved in ("Release 1@1", "Release 1@2026-01-01"):
        with pytest.raises(errors.RefInvalid, match="stands still"):
            await project.at(moved)
    await project.create_item({"a": "two"})
    assert await project.at("Release 1") == baseline
    async with project.database.session() as session:
        await branches.close_branch(session, project.project_id, project.author_id, work)
    with pytest.raises(errors.BranchClosed):
        await project.commit(create("item", UUID(int=9)), branch="play")
    with pytest.raises(errors.BranchClosed):
        await branch(project, "again", "play")
    report = await project.verify()
    assert report.ok, report.problems


async def test_a_choice_that_another_one_made_needless_is_no_mistake(bench: Bench) -> None:
    """A broken rule offers all that could mend it; who answers all of it is heard."""
    document, item, placement = new_id(), new_id(), new_id()
    project = await bench.project([create("document", document), create("item", item)])
    where = {"item_id": item, "document_id": document, "parent_id": None}
    await project.commit(create("placement", placement, rank="a", **where))
    work = await branch(project, "work")
    await project.commit(update("placement", placement, rank="b"), branch="work")
    await project.commit(delete("placement", placement))
    await project.commit(delete("item", item))
    offered = {
        (entry.kind, entry.field) for entry in (await preview(project, work, UPDATE)).conflicts
    }
    assert offered == {("placement", "existence"), ("item", "existence")}

    gone = Resolution("placement", placement, "existence", None, "theirs")
    kept = Resolution("item", item, "existence", None, "ours")
    await merge(project, work, UPDATE, gone, kept)
    states = [
        await project.state("item", item, "work"),
        await project.state("placement", placement, "work"),
    ]
    assert [state is not None and state.deleted for state in states] == [False, True]
    assert (await project.verify()).ok


async def test_a_branch_that_keeps_its_name_is_no_commit(project: BenchProject) -> None:
    work = await branch(project, "work")
    before = await project.at("work")
    async with project.database.session() as session:
        result = await branches.rename_branch(
            session, project.project_id, project.author_id, work, "work"
        )
    assert await project.at("work") == before == result.snapshot
    assert (result.changes, result.counts, result.merged) == ((), {}, False)
    assert (await project.verify()).ok


async def test_a_merge_says_where_it_comes_from_unless_its_author_says_more(
    project: BenchProject,
) -> None:
    item = await project.create_item({"a": "one"})
    work = await branch(project, "work")
    said = []
    for how, ref, message in (
        (UPDATE, "main", ""),
        (MERGE, "work", ""),
        (UPDATE, "main", "Bring the review in"),
    ):
        await project.commit(update("item", item, attributes={"a": new_id().hex}), branch=ref)
        async with project.database.session() as session:
            result = await merging.merge(
                session, project.project_id, project.author_id, work, how, message=message
            )
            (made,) = await log(session, project.project_id, before=result.seq + 1, limit=1)
        said.append(made.message)
    assert said == ["Update of “work” from “main”", "Merge of “work”", "Bring the review in"]


async def test_the_children_of_a_closed_branch_hang_on_its_parent(project: BenchProject) -> None:
    """What they show stays, the record says which they are, and their next merge goes to the parent."""
    item = await project.create_item({"a": "one"})
    work = await branch(project, "work")
    await project.commit(update("item", item, attributes={"a": "two"}), branch="work")
    first, second = await branch(project, "first", "work"), await branch(project, "second", "work")
    other = await branch(project, "other")
    await merge(project, work, MERGE)
    with pytest.raises(errors.BranchHasChildren, match="“first”, “second”"):
        async with project.database.session() as session:
            await branches.close_branch(
                session, project.project_id, project.author_id, work, discard=True
            )
    async with project.database.session() as session:
        closed = await branches.close_branch(session, project.project_id, project.author_id, work)
        (made,) = await log(session, project.project_id, before=closed.seq + 1, limit=1)
        rows = {row.branch_id: row for row in await load_branches(session, project.project_id)}
    main = rows[work].parent_id
    assert {rows[one].parent_id for one in (first, second, other)} == {main}
    assert (rows[work].state, rows[first].state, rows[other].state) == ("merged", "open", "open")
    assert made.kind == "branch_closed" and made.message == "Branch “work” closed"
    children = sorted(str(one) for one in (first, second))
    assert made.details == {"state": "merged", "children": children}
    assert await value(project, item, "first") == "two"
    await project.commit(update("item", item, attributes={"a": "three"}), branch="first")
    await merge(project, first, MERGE)
    assert await value(project, item, "main") == "three"
    report = await project.verify()
    assert report.ok, report.problems


async def test_what_is_discarded_is_said(project: BenchProject) -> None:
    item = await project.create_item({"a": "one"})
    work = await branch(project, "work")
    await project.commit(update("item", item, attributes={"a": "two"}), branch="work")
    with pytest.raises(errors.BranchNotMerged, match="has 1 commits"):
        async with project.database.session() as session:
            await branches.close_branch(session, project.project_id, project.author_id, work)
    async with project.database.session() as session:
        closed = await branches.close_branch(
            session, project.project_id, project.author_id, work, discard=True
        )
        (made,) = await log(session, project.project_id, before=closed.seq + 1, limit=1)
    assert made.message == "Branch “work” discarded"
    assert made.details == {"state": "discarded", "children": []}
    assert (await project.verify()).ok


async def test_what_a_state_was_made_of_goes_back_through_updates_and_merges(
    project: BenchProject,
) -> None:
    """From the newest: the merge, both sides of it, the update before, and the first."""
    item = await project.create_item({"a": "one", "b": "one", "c": "one"})
    work = await branch(project, "work")
    await project.commit(update("item", item, attributes={"a": "two"}), branch="work")
    await project.commit(update("item", item, attributes={"b": "two"}))
    await merge(project, work, UPDATE)
    await project.commit(update("item", item, attributes={"c": "two"}))
    await merge(project, work, MERGE)
    async with project.database.read_session() as session:
        found = await ancestry(session, await project.at("main"), item)
    told = [
        (record.kind, tuple(content["attributes"][name] for name in "abc"), parents)
        for content, parents, record in zip(
            found.contents, found.parents, found.commits, strict=True
        )
    ]
    assert told == [
        ("edit", ("one", "one", "one"), ()),
        ("edit", ("two", "one", "one"), (0,)),
        ("edit", ("one", "two", "one"), (0,)),
        ("update", ("two", "two", "one"), (1, 2)),
        ("edit", ("one", "two", "two"), (2,)),
        ("merge", ("two", "two", "two"), (4, 3)),
    ]
