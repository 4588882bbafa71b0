"""Redis and API processes are killed and paused while people write and others listen: nobody misses a commit."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from reqtrail.entrypoints.embedded.valkey import EmbeddedValkey
from tests.fixtures.instance import Instance, running_instance

pytestmark = pytest.mark.anyio

KEY = "LIV"
PROJECT = f"/api/v1/projects/{KEY}"
PAUSE_SECONDS = 5.0
BETWEEN_SECONDS = 1.0
CATCH_UP_SECONDS = 60.0
PROCESSES = {"api_processes": "2", "worker_processes": "2"}


class Listener:
    """A program that watches a project, comes back whenever it loses the connection, and says where it was."""

    def __init__(self, instance: Instance, key: str) -> None:
        self._address = f"{instance.url.replace('http', 'ws')}/api/v1/live"
        self._token = instance.credentials()["token"]
        self._key = key
        self.told: list[int] = []
        self.gaps: list[int] = []
        self.losses = 0
        self._known: int | None = None

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                await self._listen()
            except (WebSocketException, InvalidHandshake, OSError):
                self.losses += 1
                await asyncio.sleep(0.1)

    async def _listen(self) -> None:
        async with connect(self._address) as socket:
            await socket.send(orjson.dumps({"type": "hello", "token": self._token}).decode())
            watch = {"type": "watch", "project": self._key, "since": self._known}
            await socket.send(orjson.dumps(watch).decode())
            async for text in socket:
                message = orjson.loads(text)
                if message["type"] == "watching" and self._known is None:
                    self._known = message["seq"]
                elif message["type"] == "commit":
                    self.told.append(message["seq"])
                    self._known = message["seq"]
                elif message["type"] == "gap":
                    self.gaps.append(message["seq"])
                    self._known = message["seq"]

    async def begun(self) -> None:
        """Wait until it watches."""
        while self._known is None:
            await asyncio.sleep(0.05)


def unheard(acknowledged: list[int], told: list[int]) -> list[str]:
    """Return what is wrong with what a listener was told: commits that it missed, heard twice or out of order."""
    wrong = [f"{seq} was not told" for seq in sorted(set(acknowledged) - set(told))]
    for before, after in zip(told, told[1:], strict=False):
        if after <= before:
            wrong.append(f"{after} was told after {before}")
    return wrong


def test_the_check_finds_what_is_wrong() -> None:
    assert unheard([2, 3, 4], [2, 3, 4, 5]) == []
    assert unheard([2, 3, 4], [2, 4]) == ["3 was not told"]
    assert unheard([2], [2, 2]) == ["2 was told after 2"]
    assert unheard([2, 3], [3, 2]) == ["2 was told after 3"]


async def _save(client: httpx.AsyncClient, acknowledged: list[int]) -> None:
    """Change an item until cancelled; note the commits that were acknowledged."""
    schema = (await client.get(f"{PROJECT}/schema")).raise_for_status().json()
    kind = next(kind for kind in schema["types"] if kind["name"] == "Requirement")
    title = kind["presentation"]["title"]
    body = {"type_id": kind["id"], "attributes": {title: "first"}}
    made = (await client.post(f"{PROJECT}/items", json=body)).raise_for_status().json()
    path = f"{PROJECT}/items/{made['item']['id']}"
    number = 0
    while True:
        number += 1
        change = {"attributes": {title: f"edit {number}"}}
        try:
            answer = await client.patch(path, json=change)
        except httpx.TransportError:
            continue
        if answer.status_code < 300:
            acknowledged.append(int(answer.json()["ref"]["seq"]))
        else:
            assert answer.status_code == 503, answer.text
        await asyncio.sleep(0.05)


@asynccontextmanager
async def _under_load(
    instance: Instance,
) -> AsyncIterator[tuple[list[int], list[Listener]]]:
    """Have somebody save and four listen; in the end all of them heard all that was acknowledged."""
    acknowledged: list[int] = []
    listeners = [Listener(instance, KEY) for _ in range(4)]
    headers = {"Authorization": f"Bearer {instance.credentials()['token']}"}
    async with (
        httpx.AsyncClient(base_url=instance.url, headers=headers, timeout=60) as client,
        asyncio.TaskGroup() as group,
    ):
        listening = [group.create_task(listener.run()) for listener in listeners]
        for listener in listeners:
            await listener.begun()
        saving = group.create_task(_save(client, acknowledged))
        yield acknowledged, listeners
        saving.cancel()
        async with asyncio.timeout(CATCH_UP_SECONDS):
            while any(listener.told[-1:] < acknowledged[-1:] for listener in listeners):
                await asyncio.sleep(0.05)
        for task in listening:
            task.cancel()
    for listener in listeners:
        assert listener.gaps == []
        assert unheard(acknowledged, listener.told) == []


async def _pause_redis(instance: Instance) -> None:
    valkey = EmbeddedValkey(instance.home / "valkey")
    pid = valkey.process_pid()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(PAUSE_SECONDS)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert valkey.process_pid() == pid  # it was not taken for dead


async def _kill_redis(instance: Instance) -> None:
    valkey = EmbeddedValkey(instance.home / "valkey")
    pid = valkey.running_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(CATCH_UP_SECONDS):
        while valkey.running_pid() in {None, pid}:
            await asyncio.sleep(0.1)


async def _kill_api(instance: Instance) -> None:
    """One after the other: all sockets may be at one of them."""
    for killed in instance.pids("api"):
        os.kill(killed, signal.SIGKILL)
        async with asyncio.timeout(CATCH_UP_SECONDS):
            while len(instance.pids("api")) < 2 or killed in instance.pids("api"):
                await asyncio.sleep(0.1)


async def _kill_postgres(instance: Instance) -> None:
    pid = instance.postmaster_pid()
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(CATCH_UP_SECONDS):
        while instance.postgres().running_pid() in {None, pid}:
            await asyncio.sleep(0.1)


async def _progress(acknowledged: list[int], count: int) -> None:
    """Wait until *count* more saves were acknowledged."""
    wanted = len(acknowledged) + count
    async with asyncio.timeout(CATCH_UP_SECONDS):
        while len(acknowledged) < wanted:
            await asyncio.sleep(0.02)


FAULTS: tuple[Callable[[Instance], Awaitable[None]], ...] = (
    _pause_redis,
    _kill_redis,
    _kill_api,
    _kill_postgres,
)


async def test_nobody_misses_a_commit(tmp_path: Path) -> None:
    with running_instance(tmp_path / "home", demo=False, **PROCESSES) as instance:
        with instance.client() as client:
            client.post("/api/v1/projects", json={"key": KEY, "name": "Live"}).raise_for_status()
        async with _under_load(instance) as (acknowledged, listeners):
            for fault in FAULTS:
                await _progress(acknowledged, 5)
                await fault(instance)
                await asyncio.sleep(BETWEEN_SECONDS)
            await _progress(acknowledged, 5)
        # The kills of API processes cut somebody off, or they proved nothing.
        assert sum(listener.losses for listener in listeners) > 0
        with instance.client() as client:
            report = client.post(f"{PROJECT}/verify", timeout=120).json()
        assert report["ok"], report


async def test_saves_do_not_wait_for_a_redis_that_stands_still(tmp_path: Path) -> None:
    """As much is saved while it does as in the same time before, or nearly; and it is told all the same."""
    with running_instance(tmp_path / "home", demo=False, **PROCESSES) as instance:
        with instance.client() as client:
            client.post("/api/v1/projects", json={"key": KEY, "name": "Live"}).raise_for_status()
        async with _under_load(instance) as (acknowledged, _):
            await _progress(acknowledged, 5)
            begun = len(acknowledged)
            await asyncio.sleep(PAUSE_SECONDS)
            before = len(acknowledged) - begun
            await _pause_redis(instance)
            meanwhile = len(acknowledged) - begun - before
        # One save that waits for Redis waits for two seconds.
        assert meanwhile > before / 4
