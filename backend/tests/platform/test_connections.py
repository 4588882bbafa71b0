"""Connections of the pool that rested are asked whether they live before they are used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection

from reqtrail.platform.database.engine import make_engine
from reqtrail.platform.settings import Settings

pytestmark = pytest.mark.anyio

PID = text("SELECT pg_backend_pid()")


async def test_one_that_is_cut_while_it_answers_is_not_used(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loop that was held up meets the answer and the end of the patience in one turn, in either order."""
    assert settings.database_url is not None
    engine = make_engine(settings.database_url, pool_size=1)
    async with engine.connect() as connection:
        before = await connection.scalar(PID)
    monkeypatch.setattr("reqtrail.platform.database.engine.PING_AFTER_SECONDS", -1.0)
    ping: Callable[[Any], None] = AsyncAdapt_asyncpg_connection.ping
    asked = list[Any]()

    def ping_and_be_cut(self: Any) -> None:
        ping(self)
        if not asked:
            self.driver_connection.terminate()
        asked.append(self)

    monkeypatch.setattr(AsyncAdapt_asyncpg_connection, "ping", ping_and_be_cut)
    async with engine.connect() as connection:
        after = await connection.scalar(PID)
    await engine.dispose()
    assert len(asked) == 2
    assert after not in (None, before)
