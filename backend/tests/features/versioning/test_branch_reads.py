"""What a read on a branch of a branch reads in the database: what was asked for, not the project below it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.requirements.service.items import get_item
from reqtrail.features.versioning.public import Snapshot, get_kind, states_at
from reqtrail.features.versioning.service import branches
from reqtrail.kit.ids import new_id
from tests.factories.engine import BenchProject, create, update

pytestmark = pytest.mark.anyio

ITEMS = 3000
"""So many that the engine lets PostgreSQL count them, as after any large commit."""
ROWS = 300
"""Far more than a read of one item needs with the 20 revisions of each branch, far less than the project has."""

Read = Callable[[AsyncSession, Snapshot, str, UUID], Awaitable[Any]]


async def _by_key(session: AsyncSession, at: Snapshot, key: str, item: UUID) -> None:
    found = await get_item(session, at, key)
    assert found["id"] == item


async def _by_id(session: AsyncSession, at: Snapshot, key: str, item: UUID) -> None:
    found = await get_item(session, at, item)
    assert found["key"] == key


async def _states(session: AsyncSession, at: Snapshot, key: str, item: UUID) -> None:
    found = await states_at(session, get_kind("item"), at, [item])
    assert found[item].key == key


@pytest.mark.parametrize("read", [_by_key, _by_id, _states])
@pytest.mark.parametrize("past", [False, True], ids=["head", "past"])
async def test_a_read_on_a_branch_of_a_branch_reads_what_was_asked_for(
    project: BenchProject, read: Read, past: bool
) -> None:
    ids = [new_id() for _ in range(ITEMS)]
    await project.commit(*(create("item", item) for item in ids))
    for number, (name, below) in enumerate((("below", None), ("above", "below"))):
        async with project.database.session() as session:
            await branches.create_branch(
                session, project.project_id, project.author_id, name, below
            )
        edited = ids[number * 20 : number * 20 + 20]
        changes = (update("item", item, attributes={"a": name}) for item in edited)
        await project.commit(*changes, branch=name)
    await project.commit(update("item", ids[0], attributes={"a": "later"}), branch="above")
    at = await project.at("above")
    at = await project.at(f"above@{at.seq - 1}") if past else at
    for item in (ids[5], ids[25], ids[-1]):
        state = await project.state("item", item)
        assert state is not None and state.key is not None
        assert await _rows_read(project, read, at, state.key, item) < ROWS


async def _rows_read(project: BenchProject, read: Read, at: Snapshot, key: str, item: UUID) -> int:
    """Return how many rows PostgreSQL looked at for a read."""
    statements: list[tuple[str, Any]] = []

    def keep(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        statements.append((statement, parameters))

    async with project.database.read_session() as session:
        connection = await session.connection()
        event.listen(connection.sync_connection, "before_cursor_execute", keep)
        try:
            await read(session, at, key, item)
        finally:
            event.remove(connection.sync_connection, "before_cursor_execute", keep)
        assert statements
        looked_at = 0
        for statement, parameters in statements:
            explained = await connection.exec_driver_sql(
                f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters
            )
            plan = explained.scalar_one()
            plan = json.loads(plan) if isinstance(plan, str) else plan
            looked_at += sum(_scanned(node) for node in _nodes(plan[0]["Plan"]))
        return looked_at


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def _scanned(node: Mapping[str, Any]) -> int:
    if "Relation Name" not in node:
        return 0
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int((node["Actual Rows"] + removed) * node["Actual Loops"])
