"""The disk fills up while edits are being saved: they are refused, none that was acknowledged is lost."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from reqtrail.entrypoints.embedded.errors import DiskFull
from tests.fixtures.disk import small_disk
from tests.fixtures.engines import end_processes_below
from tests.fixtures.instance import START_LIMIT_SECONDS, Instance, running_instance

DISK_MEGABYTES = 400
TEXT_CHARACTERS = 30_000
MOST_EDITS = 5_000
EDITS_BEFORE = 20


@pytest.fixture
def disk() -> Iterator[Path]:
    """A small disk in a short place."""
    with tempfile.TemporaryDirectory(prefix="rt-full-") as made:
        with small_disk(Path(made) / "disk", megabytes=DISK_MEGABYTES) as mounted:
            yield mounted
            end_processes_below(mounted)


def _make_item(instance: Instance) -> tuple[str, str]:
    with instance.client() as client:
        project = {"key": "FUL", "name": "Full disk"}
        client.post("/api/v1/projects", json=project).raise_for_status()
        schema = client.get("/api/v1/projects/FUL/schema").raise_for_status().json()
        kind = next(kind for kind in schema["types"] if kind["name"] == "Requirement")
        title: str = kind["presentation"]["title"]
        body = {"type_id": kind["id"], "attributes": {title: "first"}}
        answer = client.post("/api/v1/projects/FUL/items", json=body).raise_for_status()
    return answer.json()["item"]["id"], title


def _save(client: httpx.Client, item_id: str, title: str, text: str) -> int | None:
    """Save *text*; return the version that was acknowledged, or None when it was refused."""
    path = f"/api/v1/projects/FUL/items/{item_id}"
    try:
        answer = client.patch(path, json={"attributes": {title: text}}, timeout=30)
    except httpx.TransportError:
        return None
    if answer.status_code >= 300:
        assert answer.status_code == 503, answer.text
        assert answer.json()["code"] in {"storage_full", "database_unavailable"}
        return None
    return int(answer.json()["ref"]["seq"])


def _fill(filling: Path) -> None:
    with filling.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while file.write(bytes(2**20)) == 2**20:
            pass
        file.write(b"x")


def _text(number: int) -> str:
    return f"edit {number} {random.Random(number).randbytes(TEXT_CHARACTERS // 2).hex()}"


def test_nothing_acknowledged_is_lost_when_the_disk_is_full(disk: Path) -> None:
    acknowledged: dict[int, int] = {}
    home = disk / "home"
    with running_instance(home, demo=False) as instance:
        item_id, title = _make_item(instance)
        filling = disk / "filling"
        with instance.client() as client:
            for number in range(MOST_EDITS):
                if number == EDITS_BEFORE:
                    _fill(filling)
                seq = _save(client, item_id, title, _text(number))
                if seq is None:
                    break
                acknowledged[seq] = number
            else:
                pytest.fail("the disk never was full")
        assert len(acknowledged) >= EDITS_BEFORE
        filling.unlink()
        if _recovers(instance, item_id, title):
            _check(instance, item_id, title, acknowledged)
            return
    # PostgreSQL could not write its log and did not come back: the instance said why and ended.
    assert instance.process.returncode == DiskFull.exit_code, instance.log()
    assert "Make room" in instance.log()
    with running_instance(home, demo=False) as instance:
        _check(instance, item_id, title, acknowledged)


def _recovers(instance: Instance, item_id: str, title: str) -> bool:
    """Wait until the instance saves again, or has ended; return whether it saves."""
    deadline = time.monotonic() + START_LIMIT_SECONDS
    with instance.client() as client:
        while instance.process.poll() is None:
            if _save(client, item_id, title, "there is room again") is not None:
                return True
            assert time.monotonic() < deadline, instance.log()
            time.sleep(0.2)
    return False


def _check(instance: Instance, item_id: str, title: str, acknowledged: dict[int, int]) -> None:
    path = f"/api/v1/projects/FUL/items/{item_id}"
    with instance.client() as client:
        for seq, number in acknowledged.items():
            answer = client.get(path, params={"at": f"main@{seq}"}).raise_for_status()
            item: dict[str, Any] = answer.json()["item"]
            assert item["attributes"][title] == _text(number)
        assert _save(client, item_id, title, "checked") is not None
        report = client.post("/api/v1/projects/FUL/verify").raise_for_status().json()
    assert report["ok"], report
