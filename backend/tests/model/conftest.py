"""The state machine on a database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.factories.engine import Bench
from tests.model.machine import EngineMachine


@pytest.fixture
def machine(database_url: str) -> Iterator[type[EngineMachine]]:
    """The state machine on a database, with an event loop of its own."""
    with asyncio.Runner() as runner:
        opened = Bench.open(database_url)
        bench = runner.run(opened.__aenter__())
        yield type("Machine", (EngineMachine,), {"runner": runner, "bench": bench})
        runner.run(opened.__aexit__(None, None, None))
