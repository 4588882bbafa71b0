"""No lost update: of N concurrent edits each is in the result, merged, or was refused with a conflict.

**A history** is one project in which three to five people edit the same few items at the same time, through two API
processes that share a PostgreSQL and a Valkey: words, values, sets, places in the tree, creations, deletions, on main
and on a branch that is updated and merged meanwhile. Each write names the sequence that its author saw, which may be
an old one, and carries an ``Idempotency-Key``; some are sent to both processes at once, some lose the connection and
are sent again, some are never heard of again. ``history`` says it exactly.

**The checker** decides from the commits. Every word and message that anybody writes is new, so it can tell of each
commit whose write it is and what had to come of it, without knowing how the product merges: ``checker`` names the
rules, ``judging`` what one commit may do, ``oracle`` what becomes of one value. It looks only after both processes
have ended, so that also what nobody waited for has happened or never will.

**That it finds something** is proven by ``faults``: the same histories against processes with a planted bug.

``make test`` plays 200 histories, the same seeds each time; ``REQTRAIL_CONCURRENT_SEED=1000`` plays others. ``make
test-long`` plays 10,000 in batches and appends what each found to a file (``results``); a batch that passed with the
same sources is not run again.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

import pytest

from reqtrail.entrypoints.first_start import ensure_first_start
from reqtrail.platform.settings import Settings
from tests.concurrency import results
from tests.concurrency.checker import Report, check_all
from tests.concurrency.faults import FAULTS
from tests.concurrency.history import History, play_all
from tests.concurrency.processes import WEB, Place, api_processes
from tests.concurrency.wire import Api
from tests.fixtures.engines import Engines

SEED = int(os.environ.get("REQTRAIL_CONCURRENT_SEED", "0"))
PARTS, HISTORIES = 2, 100
"""So many tests of so many histories, so that pytest's workers share them."""
LONG_BATCHES, LONG_BATCH = 50, 200
LONG_SEED = 100_000
LONG_ROUNDS = 4
FAULT_HISTORIES = 12
"""Within so many histories each planted fault is found."""
PROCESSES = 2
AT_ONCE = 8
"""So many histories are played at the same time."""
MUST_HAPPEN = (
    "histories with a branch",
    "acknowledged, merged",
    "refused",
    "unknown, in a commit",
    "merges of branches",
    "merges with choices",
    "how: twice",
    "how: again",
)
"""What has to occur in a hundred histories, or they would prove little."""


@pytest.fixture
def place(engines: Engines, worker: str, redis_url: str, tmp_path: Path) -> Place:
    """A new installation with an administrator."""
    url = engines.clone(f"concurrent_{worker}")
    settings = Settings(home=tmp_path, database_url=url, bcrypt_rounds=4, demo=False)
    credentials = ensure_first_start(settings)
    assert credentials is not None
    return Place(tmp_path, url, redis_url, credentials.token)


def _play(
    place: Place, seeds: Sequence[int], rounds: int = 2, module: Sequence[str] = WEB
) -> list[History]:
    """Play the histories of *seeds* against processes of *module*; return when those have ended."""
    with api_processes(place, PROCESSES, module) as ports:
        return asyncio.run(play_all(Api(ports, place.token), seeds, rounds, at_once=AT_ONCE))


def _check(place: Place, histories: Iterable[History]) -> Report:
    with api_processes(place, PROCESSES) as ports:
        return asyncio.run(check_all(Api(ports, place.token), histories, at_once=AT_ONCE))


def _told(report: Report) -> str:
    return "\n".join([f"{len(report.findings)} findings", *report.findings[:20]])


@pytest.mark.early
@pytest.mark.parametrize("part", range(PARTS))
def test_no_update_is_lost(place: Place, part: int) -> None:
    first = SEED + part * HISTORIES
    report = _check(place, _play(place, range(first, first + HISTORIES)))
    assert not report.findings, _told(report)
    assert report.counts["histories"] == HISTORIES
    missing = [name for name in MUST_HAPPEN if not report.counts[name]]
    assert not missing, report.counts


@pytest.mark.early
def test_planted_faults_are_found(place: Place) -> None:
    """Two mistakes that lose updates, and one that does a write twice."""
    played = {}
    for number, fault in enumerate(FAULTS):
        seeds = range(number * 100, number * 100 + FAULT_HISTORIES)
        played[fault] = _play(place, seeds, module=("tests.concurrency.broken_api", fault))
    report = _check(place, chain.from_iterable(played.values()))
    for fault, histories in played.items():
        rule = "doubled" if fault == "key_looked_up_before_it_is_kept" else "lost"
        found = report.says(rule, {history.seed for history in histories})
        assert found, (fault, report.findings, report.counts)


@pytest.mark.long
@pytest.mark.parametrize("batch", range(LONG_BATCHES))
def test_no_update_is_lost_in_the_long_run(place: Place, batch: int) -> None:
    first = LONG_SEED + SEED + batch * LONG_BATCH
    if results.is_done(first, LONG_BATCH):
        pytest.skip("it passed before with the same sources")
    began = time.monotonic()
    report = _check(place, _play(place, range(first, first + LONG_BATCH), LONG_ROUNDS))
    seconds = round(time.monotonic() - began)
    counts = dict(sorted(report.counts.items()))
    results.note(first, LONG_BATCH, seconds=seconds, counts=counts, findings=report.findings)
    assert not report.findings, _told(report)
