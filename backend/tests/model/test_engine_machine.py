"""Random histories: the engine and the reference model must agree, and planted faults must be found."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.factories.engine import Bench
from tests.model.faults import FAULTS, Fault
from tests.model.machine import EngineMachine

CHECKS = list(HealthCheck)
SHRINK = "REQTRAIL_MACHINE_SHRINK" in os.environ
"""Shrinking takes minutes; an unshrunk history of 50 steps is readable enough."""
EXAMPLES = int(os.environ.get("REQTRAIL_MACHINE_EXAMPLES", "100"))
"""More of them for a longer search; the test suite runs 100."""


@pytest.fixture
def machine(database_url: str) -> Iterator[type[EngineMachine]]:
    """The state machine on a database, with an event loop of its own."""
    with asyncio.Runner() as runner:
        opened = Bench.open(database_url)
        bench = runner.run(opened.__aenter__())
        yield type("Machine", (EngineMachine,), {"runner": runner, "bench": bench})
        runner.run(opened.__aexit__(None, None, None))


def test_engine_agrees_with_the_model(machine: type[EngineMachine]) -> None:
    """100 random histories of 50 steps each."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=50,
            deadline=None,
            database=None,
            suppress_health_check=CHECKS,
            phases=[Phase.generate, Phase.shrink] if SHRINK else [Phase.generate],
        ),
    )


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_planted_fault_is_found(
    fault: Fault, machine: type[EngineMachine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that cannot fail proves nothing: each of these faults makes it fail."""
    fault(monkeypatch)
    with pytest.raises(Exception):  # noqa: B017  what fails, and how, is up to the fault
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=60,
                stateful_step_count=40,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=CHECKS,
            ),
        )
