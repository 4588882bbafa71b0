"""What the wall costs a read: one comparison a statement, and no index is lost to it."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from reqtrail.platform.database.scope import of_project
from tests.features.requirements.book import Book
from tests.fixtures.api import World
from tests.fixtures.statements import sent_by_requests

pytestmark = pytest.mark.anyio

READS = (
    "/items/{item}",
    "/items/{item}/history",
    "/items/{item}/links",
    "/documents/{document}/outline",
    "/documents/{document}/rows",
    "/documents",
    "/schema",
    "/commits",
    "/compare?from=2&to=main",
    "/documents/{document}/outline?at=3",
)


async def _statements(world: World, book: Book, path: str) -> list[tuple[str, Any]]:
    """Return what a read sends, without the query that proves who asks."""
    with sent_by_requests(world.database.engine) as sent:
        answer = await book.ask("GET", path)
    assert answer.status_code == 200, answer.text
    return [(statement, values) for statement, values in sent if "own_projects" not in statement]


async def test_reads_use_their_indexes_and_check_the_project_once(world: World) -> None:
    book = await Book.make(world)
    items = [await book.item(f"Requirement {number}") for number in range(3)]
    await book.done(
        {
            "op": "update",
            "kind": "item",
            "id": items[0]["id"],
            "fields": {"attributes": book.values(Title="Changed")},
        }
    )
    inside = world.database.within(of_project(UUID((await book.get(""))["id"])))
    explained, wrong = 0, []
    for read in READS:
        path = read.format(item=items[0]["id"], document=book.document)
        for statement, values in await _statements(world, book, path):
            async with inside.session() as session:
                # With a handful of rows a whole table is read fastest, so that must not be the choice.
                await session.execute(text("SET LOCAL enable_seqscan = off"))
                await session.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
                connection = await session.connection()
                rows = await connection.exec_driver_sql(f"EXPLAIN {statement}", values)
                plan = [str(row[0]) for row in rows]
            explained += 1
            wrong += [f"{path}: {line}" for line in plan if _is_bad(line)]
    assert explained >= 10
    assert wrong == []


def _is_bad(line: str) -> bool:
    """Return whether a line of a plan reads a whole table of content, or compares the project row by row."""
    whole = re.search(r"Seq Scan on (\w+)", line)
    if whole and whole[1] not in {"users", "branches", "baselines", "ref_names", "branch_bases"}:
        return True
    return (
        "Filter" in line
        and "reqtrail.project'" in line
        and "One-Time" not in line
        and ("reqtrail.projects'" not in line)  # tables that lists show too, of some rows a project
    )


async def test_the_planner_knows_how_much_a_branch_has(world: World) -> None:
    """Among many projects too: one that it takes for a row may be joined by comparing all with all."""
    books = [await Book.make(world) for _ in range(6)]
    for book in books:
        for number in range(12):
            await book.item(f"Requirement {number}")
    project_id = UUID((await books[0].get(""))["id"])
    async with world.owner.session() as session:
        await session.execute(text("ANALYZE items_hot"))
        await session.execute(text(f"SET LOCAL reqtrail.project = '{project_id}'"))
        counted = text(
            "SELECT count(*), min(branch_id::text) FROM items_hot WHERE project_id = :id"
        )
        rows, branch_id = (await session.execute(counted, {"id": project_id})).one()
        plan = await session.scalar(
            text(
                "EXPLAIN (FORMAT JSON) SELECT extra FROM items_hot"
                f" WHERE project_id = '{project_id}' AND branch_id = '{branch_id}'"
            )
        )
    assert rows >= 12
    assert 0.5 * rows <= plan[0]["Plan"]["Plan Rows"] <= 2 * rows
