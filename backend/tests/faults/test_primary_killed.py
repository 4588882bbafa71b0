"""The primary is killed under reads and writes: nothing acknowledged is lost, doubled or halved, and reads go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.fixtures.instance import Instance, running_instance
from tests.fixtures.ledger import PROJECT, Ledger, Reader, Writer, count_titles, prepare
from tests.fixtures.standby import Server, Standby, replicated, urls_of

WRITERS = 3
LIMIT_SECONDS = 25.0


@contextmanager
def under_load(instance: Instance) -> Iterator[tuple[Ledger, list[Writer], Reader, str]]:
    """Write and read; yield the ledger, who writes it, who reads, and the attribute of titles."""
    with ExitStack() as stack:
        client = stack.enter_context(instance.client())
        kind, title = prepare(client)
        ledger = Ledger()
        writers = [
            Writer(stack.enter_context(instance.client()), f"writer {number}", kind, title, ledger)
            for number in range(WRITERS)
        ]
        reader = Reader(stack.enter_context(instance.client()))
        threads: list[Writer | Reader] = [*writers, reader]
        for thread in threads:
            thread.start()
        try:
            until(lambda: len(ledger.acknowledged) > WRITERS, "nothing is saved")
            yield ledger, writers, reader, title
        finally:
            for thread in threads:
                thread.stop.set()
            for thread in threads:
                thread.join()


def until(holds: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)


def saves_again(ledger: Ledger) -> None:
    before = len(ledger.acknowledged)
    until(lambda: len(ledger.acknowledged) >= before + 2 * WRITERS, "nothing is saved any more")


def verified(instance: Instance, title: str) -> tuple[dict[str, int], bool]:
    """Return the titles that there are, and whether all hashes agree."""
    with instance.client() as client:
        report = client.post(f"{PROJECT}/verify").raise_for_status().json()
        return dict(count_titles(client, title)), bool(report["ok"])


def test_nothing_acknowledged_is_lost_when_the_primary_is_killed(tmp_path: Path) -> None:
    with replicated() as (primary, (standby,)):
        settings = {
            "database_url": primary.url(),
            "database_replica_urls": standby.url(),
            "database_pool_size": "4",
        }
        with running_instance(tmp_path / "home", demo=False, **settings) as instance:
            with under_load(instance) as (ledger, _, reader, title):
                primary.kill()
                until(lambda: reader.outcomes["200 read-only"] > 20, f"{reader.outcomes}")
                until(lambda: ledger.refusals["database_unavailable"] > 0, f"{ledger.refusals}")
                primary.start()
                saves_again(ledger)
            found, is_whole = verified(instance, title)
            assert ledger.complaints(found) == []
            assert is_whole
            # A replica answered whoever had written nothing, all the time.
            assert set(reader.outcomes) == {"200", "200 read-only"}, reader.outcomes
            _finds_what_is_planted(primary, instance, ledger, title)


def _finds_what_is_planted(primary: Server, instance: Instance, ledger: Ledger, title: str) -> None:
    """Have the database lose half of an acknowledged commit: what checks above must notice."""
    primary.ask(
        "DELETE FROM items WHERE entity_id = (SELECT entity_id FROM items ORDER BY entity_id LIMIT 1)"
    )
    found, is_whole = verified(instance, title)
    (complaint,) = ledger.complaints(found)
    assert complaint.endswith("half-written")
    assert not is_whole


def test_the_ledger_notices_what_is_lost_and_what_is_double() -> None:
    ledger = Ledger(sent={"a", "b", "c", "d"}, acknowledged={"a", "b", "c"})
    assert ledger.complaints({"a": 2, "b": 2, "c": 2}) == []
    assert ledger.complaints({"a": 2, "b": 2, "c": 2, "d": 2}) == []
    assert ledger.complaints({"a": 2, "b": 1, "c": 4, "d": 1, "e": 2}) == [
        "b: half-written",
        "c: written more than once",
        "d: half-written",
        "e: nobody sent it",
    ]
    assert ledger.complaints({"a": 2, "b": 2}) == ["c: lost"]


def test_a_promoted_standby_has_all_that_was_acknowledged(tmp_path: Path) -> None:
    """With a synchronous standby nothing is lost by a failover; the processes find the new primary by themselves."""
    with replicated() as (primary, (standby,)):
        primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.ask("SELECT pg_reload_conf()")
        settings = {
            "database_url": urls_of(primary, standby),
            "database_replica_urls": standby.url(),
            "database_pool_size": "4",
        }
        with running_instance(tmp_path / "home", demo=False, **settings) as instance:
            with under_load(instance) as (ledger, _, reader, title):
                primary.kill()
                _promote(standby)
                saves_again(ledger)
            found, is_whole = verified(instance, title)
            assert ledger.complaints(found) == []
            assert is_whole
            assert set(reader.outcomes) <= {"200", "200 read-only"}, reader.outcomes


def _promote(standby: Standby) -> None:
    standby.promote()
    standby.ask("ALTER SYSTEM RESET synchronous_standby_names")
    standby.ask("SELECT pg_reload_conf()")
