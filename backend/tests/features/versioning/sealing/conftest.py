"""What the tests of seals share."""

from __future__ import annotations

import pytest
from sqlalchemy import delete

from reqtrail.features.versioning.sealing.tables import seals
from reqtrail.features.versioning.sealing.types import SealState
from tests.factories.engine import Bench


@pytest.fixture
async def nothing_waits(bench: Bench) -> None:
    """Take away what other tests left waiting: whoever takes up seals would get those first."""
    async with bench.owner.session() as session:
        await session.execute(
            delete(seals).where(seals.c.state.in_([SealState.PENDING, SealState.SEALING]))
        )
