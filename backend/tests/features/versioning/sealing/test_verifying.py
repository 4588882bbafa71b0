"""Verification of seals: silent about honest ones, and it names what was changed behind the application's back."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from reqtrail.features.versioning.public import Problem
from reqtrail.features.versioning.sealing import run_pending_seals, verify_seals
from reqtrail.features.versioning.service import branches
from reqtrail.kit.ids import new_id
from tests.factories.engine import Bench, BenchProject, create
from tests.features.versioning.sealing.sealed import baseline, populated, some_ids

pytestmark = pytest.mark.anyio


async def _with_seals(bench: Bench) -> BenchProject:
    """Make a project with three seals, of main twice and of a branch."""
    project = await populated(bench, items=40)
    await baseline(project, "first", "3")
    await run_pending_seals(project.database)
    async with project.database.session() as session:
        await branches.create_branch(session, project.project_id, project.author_id, "work")
    await project.commit(create("item", new_id(), attributes={"a": "new"}), branch="work")
    await baseline(project, "second", "main")
    await baseline(project, "third", "work")
    await run_pending_seals(project.database)
    return project


async def _after(project: BenchProject, statement: str, **values: object) -> list[Problem]:
    """Return what is found once *statement* was run behind the application's back; undo it."""
    async with project.owner.session() as session:
        async with session.begin_nested() as undone:
            await session.execute(text("SET LOCAL session_replication_role = replica"))
            changed = await session.execute(text(statement), {"p": project.project_id, **values})
            found = [problem async for problem in verify_seals(session, project.project_id)]
            await undone.rollback()
    assert changed.rowcount > 0  # type: ignore[attr-defined]
    return found


async def test_honest_seals_are_silent(bench: Bench) -> None:
    """Also after their entities were edited and redacted."""
    project = await _with_seals(bench)
    async with project.database.session() as session:
        # What an open branch shows is not redacted.
        _, work = await branches.list_branches(session, project.project_id)
        await branches.close_branch(
            *(session, project.project_id, project.author_id, work.row.branch_id), discard=True
        )
    for item in (await some_ids(project, "item", await project.at()))[:5]:
        await project.edit_item(item, {"a": "later"})
        await project.redact(item)
    async with project.database.read_session() as session:
        assert [one async for one in verify_seals(session, project.project_id)] == []


async def test_a_changed_entity_is_named_with_its_baseline_and_bucket(bench: Bench) -> None:
    """The first seal that has it, then the others; each with the entity that differs."""
    project = await _with_seals(bench)
    item = (await some_ids(project, "item", await project.at("first")))[7]
    rehashed = (
        "UPDATE items SET content_hash = sha256(content_hash)"
        " WHERE project_id = :p AND entity_id = :e"
    )
    removed = "DELETE FROM items WHERE project_id = :p AND entity_id = :e"
    for statement, said in ((rehashed, "is not what was sealed"), (removed, "no longer visible")):
        found = await _after(project, statement, e=item)
        assert len(found) == 3 and "(baseline “first”)" in found[0].detail
        for problem in found:
            assert (problem.what, problem.kind, problem.entity_id) == ("seal", "item", item)
            assert said in problem.detail and f"the item {project.key}-8" in problem.detail


async def test_a_smuggled_entity_is_named(bench: Bench) -> None:
    """A revision written into the past behind the seals' back."""
    project = await _with_seals(bench)
    item, smuggled = (await some_ids(project, "item", await project.at("first")))[3], new_id()
    statement = (
        "INSERT INTO items (project_id, branch_id, entity_id, seq_from, seq_to, superseded_at,"
        " deleted, salt, content_hash, attributes) SELECT project_id, branch_id, :s, 1,"
        " seq_to, superseded_at, deleted, salt, content_hash, attributes FROM items"
        " WHERE project_id = :p AND entity_id = :e"
    )
    found = await _after(project, statement, e=item, s=smuggled)
    assert [problem.entity_id for problem in found] == [smuggled] * 3
    assert all("was not there" in problem.detail for problem in found)


FORGERIES = [
    ("UPDATE seals SET root = sha256(root) WHERE project_id = :p", "The root of the seal"),
    ("UPDATE seals SET tree = sha256(root) WHERE project_id = :p", "The root of the seal"),
    ("UPDATE seals SET changes = root WHERE project_id = :p", "The root of the seal"),
    ("UPDATE seals SET leaf_count = leaf_count + 1 WHERE project_id = :p", "The root of the"),
    ("UPDATE seals SET commit_hash = root WHERE project_id = :p", "not the one that was"),
    ("UPDATE seals SET seq = seq + 99 WHERE project_id = :p", "is missing"),
    ("UPDATE seals SET roots = substr(roots, 33) WHERE project_id = :p", "lacks buckets"),
    (
        "UPDATE seals SET roots = substr(roots, 33) || substr(roots, 1, 32)"
        " WHERE project_id = :p",
        "Bucket",
    ),
    (
        "UPDATE seals SET roots = sha256(roots) || substr(roots, 33) WHERE project_id = :p",
        "Bucket 0 of the seal",
    ),
    ("DELETE FROM seal_buckets WHERE project_id = :p", "is not stored as it was sealed"),
    (
        "UPDATE seal_buckets SET members = set_byte(members, 47, 255 - get_byte(members, 47))"
        " WHERE project_id = :p",
        "is not stored as it was sealed",
    ),
]


async def test_a_changed_seal_is_found(bench: Bench) -> None:
    """Each of the three seals has its problem, in the order of the history."""
    project = await _with_seals(bench)
    for statement, said in FORGERIES:
        found = await _after(project, statement)
        assert len(found) == 3 and all(said in problem.detail for problem in found), statement
        assert [problem.seq for problem in found] == sorted(problem.seq or 0 for problem in found)
