"""An instance of its own for tests that ask more than an account may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from reqtrail.entrypoints.web import create_app
from reqtrail.platform.settings import Settings
from tests.api.cast import people
from tests.fixtures.api import World
from tests.fixtures.engines import Engines

__all__ = ["people", "unlimited"]

UNLIMITED: Final = {
    f"rate_{name}": 0
    for name in (
        *("address", "reads", "writes", "token_reads", "token_writes"),
        *("import", "export", "verify", "search"),
    )
}


@pytest.fixture
async def unlimited(
    engines: Engines, worker: str, settings: Settings, tmp_path: Path
) -> AsyncIterator[World]:
    """An application with a database of its own that counts no requests: a 429 would hide everything else."""
    own = {
        **UNLIMITED,
        "database_url": engines.clone(f"unlimited_{worker}"),
        "redis_url": None,
        "home": tmp_path,
        "access_token_minutes": 60,
        "sign_in_limit": 10**6,
    }
    app = create_app(settings.model_copy(update=own))
    async with app.router.lifespan_context(app):
        world = World(app)
        yield world
        await world.aclose()
