"""SIGKILL of the worker in the middle of the writes of a merge: another worker does it again, and it counts once."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from reqtrail.platform.database.migrate import sync_url
from tests.fixtures.instance import Instance, running_instance

ITEMS = 2_500
LIMIT_SECONDS = 60.0
Json = dict[str, Any]
API = "/api/v1/projects/MRG"


def _until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("not in time")


def _post(client: httpx.Client, path: str, body: Json, **more: Any) -> Json:
    answer = client.post(f"{API}{path}", json=body, timeout=60, **more)
    assert answer.is_success, answer.text
    return dict(answer.json())


def _forked(client: httpx.Client) -> tuple[str, list[str]]:
    """Make a project whose branch changed every item; return the branch, and the ids of the items in order."""
    client.post("/api/v1/projects", json={"key": "MRG", "name": "M"}).raise_for_status()
    schema = client.get(f"{API}/schema").json()
    kind = next(one for one in schema["types"] if one["name"] == "Requirement")
    title = next(one["id"] for one in kind["attributes"] if one["name"] == "Title")

    def fields(text: str) -> Json:
        return {"attributes": {title: text}}

    one = {"op": "create", "kind": "item", "fields": {"type_id": kind["id"], **fields("before")}}
    made = _post(client, "/commits", {"operations": [one] * ITEMS})
    ids = sorted(change["id"] for change in made["changes"])
    branch = _post(client, "/branches", {"name": "work"})["id"]
    edits = [
        {"op": "update", "kind": "item", "id": item, "fields": fields("after")} for item in ids
    ]
    _post(client, "/commits", {"operations": edits}, params={"branch": "work"})
    return branch, ids


@contextmanager
def _blocked(instance: Instance, branch_id: UUID, item: str) -> Iterator[psycopg.Connection[Any]]:
    """Hold the row of one item's current revision on a branch, at which a merge into that branch stops."""
    url = json.loads((instance.home / "runtime.json").read_text())["database_url"]
    with psycopg.connect(sync_url(url).replace("+psycopg", "")) as connection:
        held = connection.execute(
            "SELECT 1 FROM items_hot WHERE branch_id = %s AND entity_id = %s FOR UPDATE",
            (branch_id, UUID(item)),
        ).fetchall()
        assert len(held) == 1
        yield connection
        connection.rollback()


def _stopped(connection: psycopg.Connection[Any]) -> bool:
    return bool(
        connection.execute(
            "SELECT 1 FROM pg_locks WHERE NOT granted"
            " AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        ).fetchall()
    )


@pytest.mark.parametrize("gently", [False, True])
def test_a_merge_whose_worker_ends_is_written_once(tmp_path: Path, gently: bool) -> None:
    """The worker has written most of it when it is killed, or told to end; nothing of that is seen."""
    with running_instance(tmp_path / "home", demo=False) as instance, instance.client() as client:
        branch, ids = _forked(client)
        main = next(
            one for one in client.get(f"{API}/branches").json()["branches"] if one["name"] == "main"
        )
        worker = instance.pids("worker")[0]
        with _blocked(instance, UUID(main["id"]), ids[-1]) as connection:
            job = _post(
                client,
                f"/branches/{branch}/merge",
                {"direction": "merge"},
                headers={"Prefer": "respond-async"},
            )
            _until(lambda: _stopped(connection))
            # It stands there until it ends; how far it is, is told with the next sign of life.
            shown = _until(lambda: _written(client, job))
            assert (shown["state"], shown["total"]) == ("running", ITEMS)
            assert shown["done"] < ITEMS
            os.kill(worker, signal.SIGTERM if gently else signal.SIGKILL)
            _until(lambda: not Path(f"/proc/{worker}").exists() or _is_zombie(worker))
        done = _until(lambda: _job(client, job, state="done"))
        assert done["attempts"] == 2
        assert done["result"]["changes"] == ITEMS
        commits = client.get(f"{API}/commits", params={"branch": "main"}).json()["commits"]
        assert [commit["kind"] for commit in commits] == ["merge", "edit", "init"]
        compared = client.get(f"{API}/compare", params={"from": "main", "to": "work"}).json()
        assert compared["changes"] == []
        assert client.post(f"{API}/verify", timeout=120).json()["ok"]


def _is_zombie(pid: int) -> bool:
    return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()


def _written(client: httpx.Client, job: Json) -> Json | None:
    """Return the job if it tells that some of the merge is written, unseen by others."""
    now = _job(client, job, phase="writing")
    return now if now and now["done"] else None


def _job(client: httpx.Client, job: Json, **values: str) -> Json | None:
    """Return the job if it is as *values* say."""
    now = dict(client.get(f"{API}/jobs/{job['id']}").json())
    assert now["state"] in {"queued", "running", "done"}, now
    return now if all(now[name] == value for name, value in values.items()) else None
