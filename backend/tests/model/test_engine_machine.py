"""Random histories: the engine and the reference model must agree, and planted faults must be found."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from reqtrail.features.versioning.repository import reading
from tests.factories.engine import Bench
from tests.model.faults import FAULTS, Fault
from tests.model.machine import EngineMachine

SHARDS = 4
"""The search is cut into parts that pytest's workers share."""
EXAMPLES = int(os.environ.get("REQTRAIL_MACHINE_EXAMPLES", "100"))
"""Histories over all shards; more of them for a longer search."""
SEED = int(os.environ.get("REQTRAIL_MACHINE_SEED", "0"))
"""Another seed searches other histories; the same one repeats a run."""
LONG_EXAMPLES = 2000
SHRINK = "REQTRAIL_MACHINE_SHRINK" in os.environ
"""Shrinking takes minutes; an unshrunk history of 50 steps is readable enough."""

COMMON: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}


@pytest.fixture
def machine(database_url: str) -> Iterator[type[EngineMachine]]:
    """The state machine on a database, with an event loop of its own."""
    with asyncio.Runner() as runner:
        opened = Bench.open(database_url)
        bench = runner.run(opened.__aenter__())
        yield type("Machine", (EngineMachine,), {"runner": runner, "bench": bench})
        runner.run(opened.__aexit__(None, None, None))


def _search(machine: type[EngineMachine], number: int, examples: int) -> None:
    run_state_machine_as_test(
        seed(number)(machine),
        settings=settings(
            max_examples=examples,
            stateful_step_count=50,
            phases=[Phase.generate, Phase.shrink] if SHRINK else [Phase.generate],
            **COMMON,
        ),
    )


@pytest.mark.parametrize("shard", range(SHARDS))
def test_engine_agrees_with_the_model(machine: type[EngineMachine], shard: int) -> None:
    """100 random histories of 50 steps each, over all shards."""
    _search(machine, SEED + shard, -(-EXAMPLES // SHARDS))


@pytest.mark.long
@pytest.mark.parametrize("batch", range(10))
def test_engine_agrees_with_the_model_in_the_long_run(
    machine: type[EngineMachine], batch: int
) -> None:
    """20,000 histories in batches that can be repeated one by one; another ``REQTRAIL_MACHINE_SEED`` gives others."""
    _search(machine, SEED + 1000 + batch, LONG_EXAMPLES)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_planted_fault_is_found(
    fault: Fault,
    machine: type[EngineMachine],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """A machine that cannot fail proves nothing: each of these faults makes it fail."""
    fault(monkeypatch)
    reading.forget_queries()
    request.addfinalizer(reading.forget_queries)
    with pytest.raises(Exception):  # noqa: B017  what fails, and how, is up to the fault
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=300,
                stateful_step_count=40,
                derandomize=True,
                phases=[Phase.generate],
                **COMMON,
            ),
        )
