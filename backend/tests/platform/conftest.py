"""A queue of jobs for the tests of a module, in a database in which nobody else works."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.database.scope import of_task
from reqtrail.platform.settings import Settings
from tests.fixtures.engines import Engines
from tests.fixtures.jobs import Queue


@pytest.fixture(scope="module")
async def own_database(
    engines: Engines, worker: str, request: pytest.FixtureRequest
) -> AsyncIterator[Database]:
    """A database of the module's own."""
    name = f"{request.module.__name__.rpartition('.')[2]}_{worker}"
    made = Database(make_engine(engines.clone(name), pool_size=4))
    yield made
    await made.dispose()


@pytest.fixture
async def jobs_of(own_database: Database, settings: Settings) -> AsyncIterator[Queue]:
    """A queue that is empty before and after."""
    made = Queue(own_database, settings)
    yield made
    async with own_database.within(of_task("jobs")).session() as session:
        await session.execute(text("DELETE FROM job_results"))
        await session.execute(text("DELETE FROM jobs"))
