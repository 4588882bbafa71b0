"""The state machine on a database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.factories.engine import Bench
from tests.model.machine import EngineMachine
from tests.model.redactions import RedactingMachine


@pytest.fixture
def machine(database_url: str, request: pytest.FixtureRequest) -> Iterator[type[EngineMachine]]:
    """The state machine on a database, with an event loop of its own; its parameter is another one."""
    kind = getattr(request, "param", RedactingMachine)
    with asyncio.Runner() as runner:
        opened = Bench.open(database_url)
        bench = runner.run(opened.__aenter__())
        yield type("Machine", (kind,), {"runner": runner, "bench": bench})
        runner.run(opened.__aexit__(None, None, None))
