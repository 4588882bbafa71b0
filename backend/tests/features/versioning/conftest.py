"""A bench on the worker's database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.factories.engine import Bench, BenchProject


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    """A bench with room for writers in parallel."""
    async with Bench.open(database_url, pool_size=12) as opened:
        yield opened


@pytest.fixture
async def project(bench: Bench) -> BenchProject:
    """A new project with nothing in it."""
    return await bench.project()
