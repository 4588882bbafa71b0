"""Without Redis everything goes on: limits are counted in the process, and readiness only reports it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reqtrail.entrypoints.web import create_app
from reqtrail.platform.settings import Settings
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("away", ["unix:///nowhere/redis.sock", "redis://127.0.0.1:1/0", None])
async def test_everything_works(settings: Settings, tmp_path: Path, away: str | None) -> None:
    app = create_app(settings.model_copy(update={"redis_url": away, "home": tmp_path}))
    async with app.router.lifespan_context(app):
        world = World(app)
        client = await world.user()
        key = await world.project(client)
        assert (await client.get(f"/projects/{key}")).status_code == 200
        ready = await world.anonymous().get("/health/ready")
        assert ready.status_code == 200
        assert ready.json()["redis"] == ("not configured" if away is None else "away")
        statuses = []
        for number in range(12):
            browser = world.anonymous(f"10.9.0.{number}")
            body = {"email": client.user.email, "password": "nonsense"}
            statuses.append((await browser.post("/auth/sign-in", json=body)).status_code)
        assert statuses == [401] * 10 + [429] * 2
        await world.aclose()


async def test_not_ready_without_the_database(settings: Settings, tmp_path: Path) -> None:
    url = "postgresql+asyncpg://nobody@127.0.0.1:1/none"
    app = create_app(settings.model_copy(update={"database_url": url, "home": tmp_path}))
    async with app.router.lifespan_context(app):
        world = World(app)
        ready = await world.anonymous().get("/health/ready")
        assert ready.status_code == 503 and ready.json()["database"] == "away"
        headers = {"Authorization": "Bearer rqt_" + "x" * 43}
        me = await world.anonymous().get("/me", headers=headers)
        assert me.status_code == 503 and me.json()["code"] == "database_unavailable"
        assert int(me.headers["retry-after"]) > 0
        await world.aclose()
