"""Connections that break at the worst moment: while a transaction is made durable, and while something is read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.platform.database.away import OutcomeUnknown
from reqtrail.platform.database.engine import Database, before_commit
from reqtrail.platform.database.positions import Reading
from tests.fixtures.api import World

pytestmark = [pytest.mark.anyio]

_OWN = text("SELECT pg_backend_pid()")
_END = text("SELECT pg_terminate_backend(:pid, 5000)")


async def end_backend(world: World, pid: int) -> None:
    async with world.owner.session() as session:
        assert await session.scalar(_END, {"pid": pid})


async def test_a_commit_without_an_answer_is_no_refusal(world: World) -> None:
    """Whoever catches it as a lost connection does, and the API says what is to be done."""
    with pytest.raises(OutcomeUnknown) as caught:
        async with world.database.session() as session:
            pid = await session.scalar(_OWN)
            before_commit(session, lambda: end_backend(world, pid))
    assert isinstance(caught.value, ConnectionError)
    assert (caught.value.status, caught.value.code) == (503, "outcome_unknown")
    assert "Idempotency-Key" in caught.value.detail
    async with world.database.session() as session:
        assert await session.scalar(text("SELECT 1")) == 1


@pytest.mark.parametrize("losses", [1, 2])
async def test_a_read_whose_connection_breaks_is_made_again(
    world: World, monkeypatch: pytest.MonkeyPatch, losses: int
) -> None:
    client = await world.user()
    left = losses
    original = Database.read_session

    @asynccontextmanager
    async def breaking(
        self: Database, reading: Reading | None = None
    ) -> AsyncIterator[AsyncSession]:
        nonlocal left
        async with original(self, reading) as session:
            if reading is not None and left > 0:
                left -= 1
                await end_backend(world, await session.scalar(_OWN))
            yield session

    monkeypatch.setattr(Database, "read_session", breaking)
    answer = await client.get("/me")
    assert (answer.status_code, left) == (200, 0)
    assert answer.json()["id"] == str(client.user.user_id)


async def test_a_connection_that_is_lost_before_is_a_refusal(world: World) -> None:
    client = await world.user()
    with pytest.raises(Exception, match="closed|terminat") as caught:
        async with world.database.session() as session:
            await end_backend(world, await session.scalar(_OWN))
            await session.scalar(text("SELECT 1"))
    assert not isinstance(caught.value, OutcomeUnknown)
    assert (await client.get("/me")).status_code == 200
