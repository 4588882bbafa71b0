"""What looks at the stories of a disturbed system notices each kind of damage, and complains of nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.faults.stage import late_again
from tests.fixtures.hooks import Telling, untold
from tests.fixtures.job_load import AGAIN_SECONDS, not_run_again, too_many, unended
from tests.fixtures.ledger import Ledger
from tests.fixtures.probing import SLOW_SECONDS, Sample, SignIn, Truth
from tests.fixtures.watching import BEGINNING, Board, Told

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def ledger() -> Ledger:
    return Ledger(
        sent={"a": 2, "b": 2, "edit 1": 0, "given up": 2},
        acknowledged={"a": 5, "b": 6, "edit 1": 7},
    )


WHOLE = ({"a": 2, "b": 2}, {"a": [5], "b": [6], "edit 1": [7]})


@pytest.mark.parametrize(
    ("items", "commits", "complaints"),
    [
        ({}, {}, []),
        ({"given up": 2}, {"given up": [8]}, []),
        ({"a": 0}, {"a": []}, ["a: lost"]),
        ({}, {"edit 1": []}, ["edit 1: lost"]),
        ({"a": 4}, {"a": [5, 8]}, ["a: written more than once"]),
        ({"a": 3}, {}, ["a: written more than once"]),
        ({}, {"edit 1": [7, 8]}, ["edit 1: written more than once"]),
        ({"b": 1}, {}, ["b: half-written"]),
        ({"b": 0}, {}, ["b: half-written"]),
        ({"b": 2}, {"b": []}, ["b: lost"]),
        ({"given up": 1}, {"given up": [8]}, ["given up: half-written"]),
        ({"given up": 2}, {}, ["given up: half-written"]),
        ({}, {"a": [9]}, ["a: acknowledged as another commit"]),
        ({"c": 2}, {"c": [8]}, ["c: nobody sent it"]),
    ],
)
def test_the_ledger_notices_what_is_lost_double_and_half(
    items: dict[str, int], commits: dict[str, list[int]], complaints: list[str]
) -> None:
    found = ledger().complaints({**WHOLE[0], **items}, {**WHOLE[1], **commits})
    assert found == complaints


def test_a_stale_read_is_noticed() -> None:
    board = Board(lag=2.0, sent=4)
    board.told += [Told(1, 10.0, "0/10"), Told(2, 11.0, "0/20"), Told(3, 12.0, None)]
    assert board.least(None, 11.5, is_degraded=False) == 2
    assert board.least(None, 12.5, is_degraded=False) == 3
    assert board.least("0/10", 20.0, is_degraded=True) == 1
    assert board.least(BEGINNING, 12.5, is_degraded=False) == 1
    assert board.least(BEGINNING, 12.5, is_degraded=True) == 0
    for shown in (3, 4):
        board.judge("reader", shown, 3)
    assert board.complaints == []
    board.judge("reader", 2, 3)
    board.judge("reader", 5, 3)
    assert board.complaints == [
        "reader: shows 2, and 3 was acknowledged before",
        "reader: shows 5, and 4 is the newest that was sent",
    ]


def job(**values: Any) -> dict[str, Any]:
    made = {"id": "j", "kind": "exchange.export", "state": "done", "error": None, "attempts": 1}
    return {**made, "started_at": BEGAN.isoformat(), **values}


def test_a_job_that_is_lost_or_never_ends_is_noticed() -> None:
    assert unended({"j"}, {"j": job()}) == []
    assert unended({"j", "k"}, {"j": job()}) == ["job k is lost"]
    for state in ("running", "queued", "dead", "failed"):
        assert unended({"j"}, {"j": job(state=state)}) == [
            f"job j (exchange.export) is {state}: None"
        ]


def test_a_job_that_nobody_asked_for_is_noticed() -> None:
    assert too_many({"j"}, 0, {"j"}) == [] == too_many({"j"}, 1, {"j", "k"})
    assert too_many({"j"}, 0, {"j", "k"}) == ["1 jobs that nobody asked for"]


def test_a_job_that_is_never_run_again_or_late_is_noticed() -> None:
    soon = BEGAN + timedelta(seconds=AGAIN_SECONDS - 1)
    late = BEGAN + timedelta(seconds=AGAIN_SECONDS + 1)
    assert not_run_again(job(attempts=2, started_at=soon.isoformat()), BEGAN) == []
    assert not_run_again(job(state="running"), BEGAN) == ["job j was not run again"]
    assert not_run_again(job(attempts=2, started_at=late.isoformat()), BEGAN) == [
        "job j was run again after 31 s"
    ]
    spans = [(BEGAN - timedelta(seconds=5), BEGAN)]
    assert late_again(job(attempts=2, started_at=soon.isoformat()), spans) == []
    (complaint,) = late_again(job(attempts=2, started_at=late.isoformat()), spans)
    assert complaint.startswith("job j was run again too late")


def test_a_webhook_that_misses_repeats_or_mixes_commits_is_noticed() -> None:
    one, two, three = Telling("a", 1), Telling("b", 2), Telling("c", 3)
    assert untold([one, two, two, three], [1, 2, 3]) == []
    assert untold([one, three], [1, 2, 3]) == ["commit 2 was not told"]
    assert untold([one, three, two], [1, 2, 3]) == ["commit 2 was told after 3"]
    assert untold([one, Telling("x", 1)], [1]) == ["commit 1 was told again with another id"]
    assert untold([one, Telling("a", 2)], [1, 2]) == ["commit 2 was told with the id of another"]


def test_a_sign_in_that_still_works_is_noticed() -> None:
    sign_in = SignIn("somebody", [], ended_at=100.0)
    for position in (None, BEGINNING):
        sign_in.judge(0, position, 100.1, httpx.Response(401))
        sign_in.judge(1, position, 100.1, httpx.Response(503))
    assert (sign_in.complaints, sign_in.refusals) == ([], {0: 2})
    for position in (None, BEGINNING):
        sign_in.judge(1, position, 100.1, httpx.Response(200))
    first, second = sign_in.complaints
    assert first == "api1 lets in who was signed out: 200 , asked with None 0.1 s after"
    assert second.endswith("asked with 0/0 0.1 s after")


def test_a_health_check_that_does_not_tell_the_truth_is_noticed() -> None:
    well = Sample(0, 1.0, 2.0, live=True, status=200, database="ok", redis="ok")
    alone = Sample(0, 1.0, 2.0, live=True, status=200, database="read-only", redis="ok")
    away = Sample(1, 1.0, 2.0, live=True, status=503, database="away", redis="ok")
    silent = Sample(1, 1.0, 2.0, live=False, status=None)
    assert Truth().untrue([well], 5.0) == []
    assert Truth().untrue([away], 5.0) == ["api1 says database away, Redis ok"]
    slow = Sample(0, 1.0, 1.1 + SLOW_SECONDS, live=True, status=200, database="ok", redis="ok")
    assert Truth().untrue([slow], 5.0) == ["api0 took 8.1 s to say how it is"]
    assert Truth().untrue([silent], 5.0) == ["api1 does not say that it lives"]
    assert Truth(dead=1).untrue([well, silent], 5.0) == []
    assert Truth(dead=0).untrue([well], 5.0) == ["api0 answers, and it is dead"]
    gone = Truth(database=("read-only", "away"), said="read-only")
    assert gone.untrue([alone, away], 5.0) == []
    assert gone.untrue([away], 5.0)[0].startswith("nobody says read-only")
    assert "api0 says database ok, Redis ok" in gone.untrue([well, alone], 5.0)
    assert gone.untrue([alone, well], 1.5) == []  # answered when it was over
    lying = Sample(1, 1.0, 2.0, live=True, status=200, database="away", redis="ok")
    assert "api1 says 200 and database away" in gone.untrue([alone, lying], 5.0)
