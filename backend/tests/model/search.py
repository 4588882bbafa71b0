"""One search: so many random histories from a seed, all of which the engine and the model must agree on."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import EngineMachine

STEPS = 50
SEED = int(os.environ.get("REQTRAIL_MACHINE_SEED", "0"))
"""Another seed searches other histories; the same one repeats a run."""
SHRINK = "REQTRAIL_MACHINE_SHRINK" in os.environ
"""Shrinking takes minutes; an unshrunk history of 50 steps is readable enough."""

COMMON: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}


def search(machine: type[EngineMachine], number: int, examples: int) -> None:
    """Play *examples* histories of the seed *number*.

    Raises:
        Exception: Whatever the engine or a comparison raised first; the history is in the output.
    """
    run_state_machine_as_test(
        seed(number)(machine),
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            phases=[Phase.generate, Phase.shrink] if SHRINK else [Phase.generate],
            **COMMON,
        ),
    )
