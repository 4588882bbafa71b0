"""Each fault once, for some seconds, at a whole system under load: nothing is lost, doubled, halved or stale."""

from __future__ import annotations

from typing import Final

import pytest

from tests.faults.faults import POSTGRES, PROCESSES, REDIS
from tests.faults.stage import Stage, play
from tests.fixtures.system import running_system

PAUSE_SECONDS: Final = 5.0


@pytest.mark.early
def test_a_whole_system_bears_each_fault() -> None:
    """One test, so that one system serves all of it."""
    with running_system() as system:
        processes = play(system, PROCESSES, PAUSE_SECONDS, seed=1)
        redis = play(system, REDIS, PAUSE_SECONDS, seed=2)
        postgres = play(system, POSTGRES, PAUSE_SECONDS, seed=3, afterwards=_finds_what_is_planted)
    reports = [processes, redis, postgres]
    assert [report.complaints for report in reports] == [[], [], []]
    # The faults were felt, or they proved nothing.
    assert processes.refusals["ConnectError"] > 0
    assert processes.jobs_run_again > 0 and processes.told_again > 0
    assert redis.jobs_run_again == 0
    assert postgres.refusals["database_unavailable"] > 0
    assert postgres.reads["200 read-only"] > 0


def _finds_what_is_planted(stage: Stage) -> None:
    """Have the database lose, halve and double what was acknowledged: what looks at stories must notice."""
    first, second, third = (f"writer {number} 1" for number in range(3))
    page = stage.client.get(f"{stage.place.path}/items", params={"limit": 1000}).json()
    title = stage.place.title
    item = next(item["id"] for item in page["items"] if item["attributes"][title] == first)
    stage.system.ask(f"DELETE FROM items WHERE entity_id = '{item}'")
    stage.system.ask(f"UPDATE commits SET message = 'another' WHERE message = '{second}'")
    fields = {"type_id": stage.place.kind, "attributes": {title: third}}
    operation = {"op": "create", "kind": "item", "fields": fields}
    body = {"message": third, "operations": [operation] * 2}
    stage.client.post(f"{stage.place.path}/commits", json=body).raise_for_status()
    *found, verified = stage.place.complaints(stage.client, stage.ledger)
    assert found == [
        "another: nobody sent it",
        f"{first}: half-written",
        f"{second}: lost",
        f"{third}: written more than once",
    ]
    assert verified.startswith("verify: ")
