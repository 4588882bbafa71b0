"""Each fault for a minute, and all of them in one story in an order that a seed decides.

What came of each is appended to a file (``results``); a story that was borne with the same sources is not played again.
``REQTRAIL_FAULT_PAUSE`` is how many seconds each fault lasts, 60 by default, ``REQTRAIL_FAULT_SEED`` decides the order.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from typing import Final

import pytest

from tests.faults import results
from tests.faults.faults import FAULTS
from tests.faults.stage import Fault, play
from tests.fixtures.system import System, running_system

pytestmark = pytest.mark.long

PAUSE_SECONDS: Final = float(os.environ.get("REQTRAIL_FAULT_PAUSE", "60"))
SEED: Final = int(os.environ.get("REQTRAIL_FAULT_SEED", "1"))


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system() as made:
        yield made


def played(request: pytest.FixtureRequest, faults: Sequence[Fault]) -> None:
    if results.is_done([fault.name for fault in faults], PAUSE_SECONDS, SEED):
        pytest.skip("it was borne before with the same sources")
    report = play(request.getfixturevalue("system"), faults, PAUSE_SECONDS, SEED)
    results.note(report)
    assert report.complaints == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_borne(request: pytest.FixtureRequest, fault: Fault) -> None:
    played(request, [fault])


def test_all_faults_are_borne(request: pytest.FixtureRequest) -> None:
    played(request, random.Random(SEED).sample(FAULTS, len(FAULTS)))
