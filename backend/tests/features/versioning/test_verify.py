"""Verification: silent about what is honest, and it names every byte changed behind the application's back."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import LargeBinary, Text, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.files.public import store
from reqtrail.features.requirements.public import default_schema
from reqtrail.features.versioning.public import Problem, all_kinds, verify
from reqtrail.features.versioning.tables import branches, commits, entities
from reqtrail.kit.ids import new_id
from tests.factories.engine import Bench, BenchProject, create, delete, update

pytestmark = pytest.mark.anyio


async def _populated(bench: Bench, seed: int) -> BenchProject:
    """Make a project with something in every versioned table, hot and cold."""
    chance = random.Random(seed)
    project = await bench.project()
    await project.commit(*default_schema(project.project_id))
    document, one, two, place, link, group = (new_id() for _ in range(6))
    async with project.database.session() as session:
        sha256 = await store(session, project.project_id, chance.randbytes(200))
    await project.commit(
        create("document", document),
        create("item", one, attributes={"a": "first text"}),
        create("item", two, attributes={"a": "second text"}),
        create("placement", place, document_id=document, item_id=one),
        create("link", link, source_id=one, target_id=two),
        create(
            "link_group",
            group,
            type_id=None,
            name="Group",
            source_document_id=None,
            target_document_id=None,
            link_ids=[str(link)],
        ),
        create("package", new_id(), path="a.reqif", header={"title": "t"}),
        create(
            "file",
            new_id(),
            path="media/a.png",
            sha256=sha256,
            media_type="image/png",
            size=200,
            package_id=None,
        ),
        message="Content",
    )
    for step in range(chance.randint(1, 4)):
        await project.edit_item(chance.choice([one, two]), {"a": f"changed {step}", "b": "x"})
    await project.commit(update("document", document, title="Renamed"))
    await project.commit(delete("link", link))
    return project


def _mutated(value: Any, chance: random.Random) -> Any:
    """Return *value* with one byte changed."""
    if isinstance(value, bytes):
        place = chance.randrange(len(value))
        return (
            value[:place] + bytes([value[place] ^ (1 << chance.randrange(8))]) + value[place + 1 :]
        )
    if isinstance(value, str):
        place = chance.randrange(len(value))
        other = "q" if value[place] != "q" else "z"
        return value[:place] + other + value[place + 1 :]
    if isinstance(value, dict):
        key = chance.choice(sorted(value))
        return {**value, key: _mutated(value[key], chance) if value[key] else "q"}
    return [_mutated(value[0], chance), *value[1:]]


async def _tamper(session: AsyncSession, project: BenchProject, table: Any, seed: int) -> Any:
    """Change one byte of one random value of *table*; return the row as it was."""
    chance = random.Random(seed)
    rows = (
        (await session.execute(select(table).where(table.c.project_id == project.project_id)))
        .mappings()
        .all()
    )
    places = [
        (row, column)
        for row in rows
        for column in table.c
        if isinstance(column.type, LargeBinary | Text | JSONB)
        and row[column.name]
        and column.name not in ("project_id", "media_type" if table.name == "attachments" else "")
    ]
    row, column = chance.choice(places)
    await session.execute(
        table.update()
        .where(*(item == row[item.name] for item in table.primary_key.columns))
        .values({column.name: _mutated(row[column.name], chance)})
    )
    return row


def _names(problem: Problem, table: str, row: Any) -> bool:
    if table == "commits":
        return bool(problem.what == "commit" and problem.seq == row["seq"])
    if table == "attachments":
        return problem.what == "attachment"
    if table == "branches":
        return problem.what == "branch"
    if table == "entities":
        return bool(problem.entity_id == row["entity_id"])
    return bool(problem.entity_id == row["entity_id"] and problem.seq == row["seq_from"])


@pytest.mark.parametrize("seed", range(20))
async def test_honest_history_is_silent(bench: Bench, seed: int) -> None:
    """Nothing is reported about what only the application wrote."""
    report = await (await _populated(bench, seed)).verify()
    assert report.problems == []
    assert report.counts["commits"] >= 5 and all(report.counts[kind.name] for kind in all_kinds())


async def test_each_changed_byte_is_named(bench: Bench) -> None:
    """60 single-byte changes over every versioned table, commits, heads, entities and attachments."""
    project = await _populated(bench, 1)
    attachments = all_kinds()[0].table.metadata.tables["attachments"]
    keyed = entities
    tables = [kind.table for kind in all_kinds()] + [commits, branches, attachments]
    for seed in range(60):
        table = tables[seed % len(tables)] if seed < 59 else keyed
        async with project.owner.session() as session:
            async with session.begin_nested() as undone:
                # As somebody with the database in hand would: past the foreign keys.
                await session.execute(text("SET LOCAL session_replication_role = replica"))
                row = await _tamper(session, project, table, seed)
                report = await verify(session, project.project_id)
                await undone.rollback()
        named = [problem for problem in report.problems if _names(problem, table.name, row)]
        assert named, (seed, table.name, dict(row), report.problems)
    assert (await project.verify()).ok


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE items SET seq_to = seq_to + 1 WHERE project_id = :p AND seq_to < 1000",
        "UPDATE items SET superseded_at = superseded_at + interval '1 second'"
        " WHERE project_id = :p AND superseded_at <> 'infinity'",
        "UPDATE items SET deleted = NOT deleted WHERE project_id = :p",
        "UPDATE documents SET branch_id = gen_random_uuid() WHERE project_id = :p",
        "DELETE FROM items WHERE project_id = :p AND superseded_at <> 'infinity'",
        "DELETE FROM commits WHERE project_id = :p AND seq = (SELECT max(seq) FROM commits"
        " WHERE project_id = :p)",
        "UPDATE commits SET recorded_at = recorded_at - interval '1 microsecond'"
        " WHERE project_id = :p AND seq = 2",
        "UPDATE commits SET author_id = gen_random_uuid() WHERE project_id = :p AND seq = 3",
        "UPDATE project_counters SET last_seq = last_seq + 1 WHERE project_id = :p",
        "UPDATE project_counters SET last_item_number = last_item_number - 1 WHERE project_id = :p",
        "UPDATE project_counters SET last_item_number = last_item_number + 9 WHERE project_id = :p",
        "UPDATE branches SET head_seq = head_seq - 1 WHERE project_id = :p",
        "UPDATE entities SET kind = 'document' WHERE project_id = :p AND kind = 'item'",
        "DELETE FROM attachments WHERE project_id = :p",
    ],
)
async def test_rewritten_book_keeping_is_found(bench: Bench, statement: str) -> None:
    """Intervals, masks, branches, removed rows, counters and heads are checked as well as contents."""
    project = await _populated(bench, 2)
    async with project.owner.session() as session:
        async with session.begin_nested() as undone:
            await session.execute(text("SET LOCAL session_replication_role = replica"))
            changed = await session.execute(text(statement), {"p": project.project_id})
            report = await verify(session, project.project_id)
            await undone.rollback()
    assert changed.rowcount > 0  # type: ignore[attr-defined]
    assert not report.ok
