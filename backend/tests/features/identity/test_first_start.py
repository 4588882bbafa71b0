"""The first start of an instance."""

from __future__ import annotations

import stat
from pathlib import Path

import orjson
import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.entrypoints.first_start import ensure_first_start
from reqtrail.features.identity.public import User
from reqtrail.platform.settings import Settings
from tests.fixtures.engines import Engines


@pytest.fixture
def empty(engines: Engines, worker: str, tmp_path: Path) -> Settings:
    """Settings of an instance that was never started."""
    return Settings(
        home=tmp_path / "home",
        database_url=engines.clone(f"first_{worker}"),
        bcrypt_rounds=4,
        port=8123,
    )


def _accounts(settings: Settings) -> int:
    url = str(settings.database_url).replace("postgresql+asyncpg", "postgresql")
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM users").fetchone()
        assert row is not None
        return int(row[0])


def test_first_start_makes_one_administrator(empty: Settings) -> None:
    made = ensure_first_start(empty)
    assert made is not None and made.email == "admin@reqtrail.local" and len(made.password) >= 20
    stored = orjson.loads(empty.credentials_file.read_bytes())
    assert stored == {
        "url": "http://127.0.0.1:8123",
        "email": made.email,
        "password": made.password,
        "token": made.token,
    }
    assert stat.S_IMODE(empty.credentials_file.stat().st_mode) == 0o600
    assert ensure_first_start(empty) is None
    assert _accounts(empty) == 1


def test_a_failing_demo_leaves_nothing_behind(empty: Settings) -> None:
    async def fail(session: AsyncSession, administrator: User) -> None:
        raise RuntimeError("no demo today")

    with pytest.raises(RuntimeError):
        ensure_first_start(empty, fail)
    assert _accounts(empty) == 0
    assert ensure_first_start(empty) is not None
