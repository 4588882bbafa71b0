"""When PostgreSQL counts anew what a large commit wrote: if the commit added rows, not if it replaced them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from reqtrail.features.versioning.service import branches
from reqtrail.features.versioning.service.writer import LARGE
from reqtrail.kit.ids import new_id
from tests.factories.engine import BenchProject, create, update

pytestmark = pytest.mark.anyio


@contextmanager
def _counted(project: BenchProject) -> Iterator[list[str]]:
    """Yield the statements by which PostgreSQL was told to count, as they come."""
    told: list[str] = []

    def keep(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith("ANALYZE"):
            told.append(statement.split()[1])

    engine = project.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", keep)
    try:
        yield told
    finally:
        event.remove(engine, "before_cursor_execute", keep)


async def test_what_is_added_is_counted_and_what_is_replaced_is_not(project: BenchProject) -> None:
    """Counting reads a part of the whole table, which would make each large merge pay for all projects."""
    ids = [new_id() for _ in range(LARGE)]
    with _counted(project) as told:
        await project.commit(*(create("item", item) for item in ids[1:]))
        assert told == []
        await project.commit(*(create("item", new_id()) for _ in range(LARGE)))
        assert told == ["entities", "items_hot"]
    await project.commit(create("item", ids[0]))
    with _counted(project) as told:
        await project.commit(*(update("item", item, attributes={"a": "b"}) for item in ids))
        assert told == []
        async with project.database.session() as session:
            await branches.create_branch(session, project.project_id, project.author_id, "work")
        edits = (update("item", item, attributes={"a": "c"}) for item in ids)
        await project.commit(*edits, branch="work")
        assert told == ["entities", "items_hot"]
