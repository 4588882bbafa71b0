"""The faults that a whole system has to bear: each is a context that disturbs it, and sets right what others would.

That is: a supervisor starts again what was killed, an administrator the server of a database, and another machine takes
the place of one that was lost. What Reqtrail itself has to do, nobody here does for it.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from reqtrail.kit import clock
from redis import Redis
from tests.faults.stage import OBJECTS, SETTLE_SECONDS, Fault, Stage, begin_import
from tests.fixtures.job_load import AGAIN_SECONDS, jobs_of, not_run_again
from tests.fixtures.probing import Truth
from tests.fixtures.system import until

TICKS_SECONDS: Final = 2.5
_CLEANUPS: Final = "SELECT count(*) FROM jobs WHERE kind = 'instance.cleanup'"
_UNENDED: Final = f"{_CLEANUPS} AND state IN ('queued', 'running')"
_DUE: Final = "UPDATE schedules SET next_at = clock_timestamp() WHERE name = 'cleanup'"


@contextmanager
def _api_killed(stage: Stage) -> Iterator[None]:
    """SIGKILL of an API process, while an import is under way that it was asked for."""
    killed = stage.system.apis[0]
    path, imported = _ask_for_import(stage)
    stage.checks.append(lambda: _imported_once(stage, path, imported))
    killed.kill()
    yield
    killed.start()


@contextmanager
def _worker_killed(stage: Stage) -> Iterator[None]:
    """SIGKILL of a worker in the middle of a webhook, an import and a verification; all three are its own."""
    system, client = stage.system, stage.client
    with stage.sink.holding([worker.pid for worker in system.workers]) as pid:
        killed, other = sorted(system.workers, key=lambda worker: worker.pid != pid)
        other.send(signal.SIGSTOP)
        try:
            path, imported = _ask_for_import(stage)
            job = stage.asker.ask("verifications", stage.large)
            assert job is not None, "nobody answers before anything happens"
            _wait_for_job(stage, job)
            until(
                lambda: client.get(imported).json()["state"] != "queued",
                lambda: "the import does not begin",
            )
            killed.kill()
            killed_at = clock.now()
        finally:
            other.send(signal.SIGCONT)
    count = len(stage.sink.tellings)
    stage.checks += [
        lambda: _run_again(stage, job, killed_at),
        lambda: _imported_once(stage, path, imported),
        lambda: [] if len(stage.sink.tellings) > count else ["nothing is told any more"],
    ]
    yield
    killed.start()


def _ask_for_import(stage: Stage) -> tuple[str, str]:
    key = f"I{stage.system.next_number()}"
    body = {"key": key, "name": "Imported"}
    stage.client.post("/api/v1/projects", json=body).raise_for_status()
    path = f"/api/v1/projects/{key}"
    return path, begin_import(stage.client, path)


def _wait_for_job(stage: Stage, job: str) -> None:
    """Wait until a worker does it."""
    until(
        lambda: jobs_of(stage.client, stage.large)[job]["state"] == "running",
        lambda: "the job does not begin",
    )


def _run_again(stage: Stage, job: str, killed_at: datetime) -> list[str]:
    def look() -> list[str]:
        return not_run_again(jobs_of(stage.client, stage.large)[job], killed_at)

    deadline = time.monotonic() + AGAIN_SECONDS
    while look() and time.monotonic() < deadline:
        time.sleep(0.2)
    return look()


def _imported_once(stage: Stage, path: str, imported: str) -> list[str]:
    def look() -> dict[str, Any]:
        return dict(stage.client.get(imported).raise_for_status().json())

    until(lambda: look()["state"] in {"done", "failed"}, lambda: f"{look()}", SETTLE_SECONDS)
    commits = stage.client.get(f"{path}/commits").raise_for_status().json()["commits"]
    kinds, done = [commit["kind"] for commit in commits], look()
    if kinds != ["import", "init"] or done["counts"].get("items") != OBJECTS:
        return [f"the import is there as {kinds}: {done}"]
    return []


@contextmanager
def _scheduler_killed(stage: Stage) -> Iterator[None]:
    """SIGKILL at any moment after something is due; its job is queued once, by whoever looks next."""
    system = stage.system
    until(lambda: system.ask(_UNENDED) == 0, lambda: "the last job does not end")
    wanted = system.ask(_CLEANUPS) + 1
    system.ask(_DUE)
    time.sleep(stage.chance.uniform(0, 1.2))
    system.scheduler.kill()
    yield
    system.scheduler.start()

    def check() -> list[str]:
        until(lambda: system.ask(_CLEANUPS) >= wanted, lambda: "a slot is lost")
        until(lambda: system.ask(_UNENDED) == 0, lambda: "the job of a slot does not end")
        time.sleep(TICKS_SECONDS)
        found = system.ask(_CLEANUPS)
        return [] if found == wanted else [f"a slot has {found - wanted + 1} jobs"]

    stage.checks.append(check)


@contextmanager
def _redis_lost(stage: Stage) -> Iterator[None]:
    stage.system.kill_redis()
    yield
    stage.system.valkey.start()


@contextmanager
def _redis_stands_still(stage: Stage) -> Iterator[None]:
    with stage.system.redis_standing_still():
        yield


@contextmanager
def _redis_emptied(stage: Stage) -> Iterator[None]:
    with Redis(unix_socket_path=str(stage.system.valkey.socket)) as redis:
        redis.flushall()
    yield


@contextmanager
def _postgres_killed(stage: Stage) -> Iterator[None]:
    stage.system.primary.kill()
    yield
    stage.system.primary.start()


@contextmanager
def _postgres_restarted(stage: Stage) -> Iterator[None]:
    stage.system.primary.stop()
    stage.system.primary.start()
    yield


@contextmanager
def _standby_promoted(stage: Stage) -> Iterator[None]:
    """SIGKILL of the primary; a synchronous standby takes its place, and later a new standby that of the standby."""
    stage.system.synchronous(is_on=True)
    stage.system.primary.kill()
    stage.system.promote()
    yield
    stage.system.rebuild()


@contextmanager
def _replica_stands_still(stage: Stage) -> Iterator[None]:
    with stage.system.standby.frozen():
        yield


_NO_REDIS: Final = Truth(redis=("away",), said="away")
_NO_PRIMARY: Final = Truth(database=("read-only", "away"), said="read-only")
_TRANSITION: Final = Truth(database=("ok", "read-only", "away"), said="ok")

PROCESSES: Final = (
    Fault("a worker is killed", _worker_killed),
    Fault("an API process is killed", _api_killed, Truth(dead=0)),
    Fault("the scheduler is killed", _scheduler_killed),
)
REDIS: Final = (
    Fault("Redis stands still", _redis_stands_still, _NO_REDIS),
    Fault("Redis is emptied", _redis_emptied),
    Fault("Redis is killed and comes back empty", _redis_lost, _NO_REDIS),
)
POSTGRES: Final = (
    Fault("PostgreSQL is killed", _postgres_killed, _NO_PRIMARY),
    Fault("PostgreSQL is restarted", _postgres_restarted, _TRANSITION),
    Fault("the standby is promoted", _standby_promoted, _TRANSITION),
    Fault("the replica stands still", _replica_stands_still),
)
FAULTS: Final = (*PROCESSES, *REDIS, *POSTGRES)
