"""Random histories: the engine and the reference model must agree, and planted faults must be found."""

from __future__ import annotations

import os

import pytest
from hypothesis import Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from reqtrail.features.versioning.repository import reading
from tests.model.faults import FAULTS, REDACTION_FAULTS, Fault
from tests.model.machine import EngineMachine
from tests.model.redactions import RedactingMachine
from tests.model.search import COMMON, SEED, search

SHARDS = 4
"""The search is cut into parts that pytest's workers share."""
EXAMPLES = int(os.environ.get("REQTRAIL_MACHINE_EXAMPLES", "100"))
"""Histories over all shards; more of them for a longer search."""
FOUND_SOON = {"undo_unmerged": 7}
"""The seed of a search that finds a fault in seconds, where the one that is drawn otherwise takes a minute."""


@pytest.mark.early
@pytest.mark.parametrize("shard", range(SHARDS))
def test_engine_agrees_with_the_model(machine: type[EngineMachine], shard: int) -> None:
    """100 random histories of 50 steps each, over all shards."""
    search(machine, SEED + shard, -(-EXAMPLES // SHARDS))


@pytest.mark.parametrize(
    ("fault", "machine"),
    # What has nothing to do with redactions is found several times as soon without them.
    [
        *((fault, EngineMachine) for fault in FAULTS),
        *((fault, RedactingMachine) for fault in REDACTION_FAULTS),
    ],
    ids=lambda value: value.__name__,
    indirect=["machine"],
)
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
    number = FOUND_SOON.get(fault.__name__)
    with pytest.raises(Exception):  # noqa: B017  what fails, and how, is up to the fault
        run_state_machine_as_test(
            machine if number is None else seed(number)(machine),
            settings=settings(
                max_examples=300,
                stateful_step_count=40,
                derandomize=number is None,
                phases=[Phase.generate],
                **COMMON,
            ),
        )
