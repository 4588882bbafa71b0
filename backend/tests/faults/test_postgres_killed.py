"""SIGKILL of the PostgreSQL postmaster while edits are being saved: no acknowledged edit may be lost."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fixtures.instance import Instance, running_instance

WRITERS = 4
KILLS = 2
SECONDS_BETWEEN_KILLS = 2.0
RECOVERY_LIMIT_SECONDS = 60.0


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    with running_instance(tmp_path / "home", demo=False) as started:
        yield started


class Writer(threading.Thread):
    """Saves numbered edits of one item until told to stop, and remembers which the server acknowledged."""

    def __init__(self, instance: Instance, item_id: str, attribute_id: str, name: str) -> None:
        super().__init__(name=name)
        self._instance = instance
        self._item_id = item_id
        self._attribute_id = attribute_id
        self.stop = threading.Event()
        self.acknowledged: dict[int, str] = {}
        self.refused = 0

    def run(self) -> None:
        """Save until :attr:`stop` is set; a lost connection or a 5xx is not an acknowledgement."""
        number = 0
        with self._instance.client() as client:
            while not self.stop.is_set():
                number += 1
                text = f"{self.name} edit {number}"
                try:
                    answer = client.patch(
                        f"/api/v1/projects/FLT/items/{self._item_id}",
                        json={"attributes": {self._attribute_id: text}},
                        timeout=20,
                    )
                except httpx.TransportError:
                    self.refused += 1
                    continue
                if answer.status_code < 300:
                    self.acknowledged[answer.json()["ref"]["seq"]] = text
                else:
                    assert answer.status_code in {500, 503}, answer.text
                    self.refused += 1
                    time.sleep(0.05)


def _prepare(instance: Instance) -> tuple[list[str], str]:
    """Make the project FLT with one item a writer; return their ids and the id of the title attribute."""
    with instance.client() as client:
        client.post(
            "/api/v1/projects", json={"key": "FLT", "name": "Fault injection"}
        ).raise_for_status()
        schema = client.get("/api/v1/projects/FLT/schema").raise_for_status().json()
        requirement = next(
            kind
            for kind in schema["types"]
            if kind["category"] == "item" and kind["presentation"]["style"] == "requirement"
        )
        title = requirement["presentation"]["title"]
        ids = []
        for number in range(WRITERS):
            answer = client.post(
                "/api/v1/projects/FLT/items",
                json={"type_id": requirement["id"], "attributes": {title: f"item {number}"}},
            ).raise_for_status()
            ids.append(answer.json()["item"]["id"])
    return ids, title


def _wait_until_saving_again(instance: Instance, writers: list[Writer]) -> None:
    before = [len(writer.acknowledged) for writer in writers]
    deadline = time.monotonic() + RECOVERY_LIMIT_SECONDS
    while time.monotonic() < deadline:
        if all(
            len(writer.acknowledged) > count for writer, count in zip(writers, before, strict=True)
        ):
            return
        time.sleep(0.1)
    pytest.fail(f"not saving again {RECOVERY_LIMIT_SECONDS} s after the kill\n{instance.log()}")


def test_no_acknowledged_edit_is_lost_when_the_postmaster_is_killed(instance: Instance) -> None:
    item_ids, title = _prepare(instance)
    writers = [
        Writer(instance, item_id, title, f"writer {number}")
        for number, item_id in enumerate(item_ids)
    ]
    for writer in writers:
        writer.start()
    try:
        _wait_until_saving_again(instance, writers)
        for _ in range(KILLS):
            time.sleep(SECONDS_BETWEEN_KILLS)
            os.kill(instance.postmaster_pid(), signal.SIGKILL)
            _wait_until_saving_again(instance, writers)
    finally:
        for writer in writers:
            writer.stop.set()
        for writer in writers:
            writer.join()

    with instance.client() as client:
        for writer, item_id in zip(writers, item_ids, strict=True):
            assert writer.acknowledged
            for seq, text in writer.acknowledged.items():
                answer = client.get(
                    f"/api/v1/projects/FLT/items/{item_id}", params={"at": f"main@{seq}"}
                )
                assert answer.status_code == 200, answer.text
                assert answer.json()["item"]["attributes"][title] == text
        report = client.post("/api/v1/projects/FLT/verify").raise_for_status().json()
    assert report["ok"], report
