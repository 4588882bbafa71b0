"""How soon a save shows on other screens: 200 sockets at two API processes, of as many accounts, and saves."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from contextlib import AsyncExitStack
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.instance import Running
from benchmarks.report import Result, print_table

SOCKETS = 200
SAVES = 100
PAUSE_SECONDS = 0.15
LATEST_SECONDS = 30.0
PROJECT = "/api/v1/projects/LIVE"
BAR_MS = 100.0


async def measure(found: Running) -> dict[str, list[Result]]:
    """Return how long after the beginning of a save, and after its answer, the others were told of it."""
    headers = {"Authorization": f"Bearer {found.token}"}
    async with httpx.AsyncClient(base_url=found.url, headers=headers, timeout=60) as client:
        item, attribute = await _make_item(client)
        tokens = [await _member_token(client, number) for number in range(SOCKETS)]
        told: dict[int, list[float]] = {}
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            address = f"{found.url.replace('http', 'ws')}/api/v1/live"
            listening = []
            for token in tokens:
                socket = await stack.enter_async_context(connect(address))
                await _watch(socket, token)
                listening.append(group.create_task(_listen(socket, told)))
            begun, answered = await _save(client, item, attribute)
            deadline = time.monotonic() + LATEST_SECONDS
            while any(len(told.get(seq, ())) < SOCKETS for seq in begun):
                if time.monotonic() > deadline:
                    missing = sum(SOCKETS - len(told.get(seq, ())) for seq in begun)
                    raise TimeoutError(f"{missing} messages did not come")
                await asyncio.sleep(0.05)
            reads = await _read(client, item)
            for task in listening:
                task.cancel()
    from_begin = [1000 * (at - begun[seq]) for seq in begun for at in told[seq]]
    from_answer = [1000 * (at - answered[seq]) for seq in begun for at in told[seq]]
    saves = [1000 * (answered[seq] - begun[seq]) for seq in begun]
    note = f"{SOCKETS} sockets, {SAVES} saves"
    results = {
        "Live": [
            Result("told after a save began, p50", _percentile(from_begin, 50), note=note),
            Result(
                "told after a save began, p95",
                _percentile(from_begin, 95),
                limit=BAR_MS,
                bar=1,
                note=note,
            ),
            Result("told after a save began, the last of all", max(from_begin), note=note),
            Result("told after the answer, p95", _percentile(from_answer, 95), note=note),
            Result("a save meanwhile", statistics.median(saves), note=note),
            Result("an item read meanwhile, p50", _percentile(reads, 50), note=note),
        ]
    }
    for title, rows in results.items():
        print_table(title)
        for row in rows:
            print(row.line(), flush=True)
    return results


async def _make_item(client: httpx.AsyncClient) -> tuple[str, str]:
    made = await client.post("/api/v1/projects", json={"key": "LIVE", "name": "Live"})
    made.raise_for_status()
    schema = (await client.get(f"{PROJECT}/schema")).raise_for_status().json()
    kind = next(kind for kind in schema["types"] if kind["name"] == "Requirement")
    title: str = kind["presentation"]["title"]
    body = {"type_id": kind["id"], "attributes": {title: "first"}}
    item = (await client.post(f"{PROJECT}/items", json=body)).raise_for_status().json()
    return item["item"]["id"], title


async def _member_token(client: httpx.AsyncClient, number: int) -> str:
    """Make an account with a role in the project, signed in; return its access token."""
    email, password = f"live{number}@example.org", "correct horse battery"
    body = {"email": email, "display_name": f"Reader {number}", "password": password}
    user = (await client.post("/api/v1/users", json=body)).raise_for_status().json()
    path = f"{PROJECT}/members/{user['id']}"
    (await client.put(path, json={"role": "viewer"})).raise_for_status()
    credentials = {"email": email, "password": password}
    answer = await client.post("/api/v1/auth/sign-in", json=credentials)
    token: str = answer.raise_for_status().json()["access_token"]
    client.cookies.clear()
    return token


async def _watch(socket: ClientConnection, token: str) -> None:
    await socket.send(json.dumps({"type": "hello", "token": token}))
    await socket.send(json.dumps({"type": "watch", "project": "LIVE"}))
    await socket.send(json.dumps({"type": "here", "project": "LIVE"}))
    async for text in socket:
        message = json.loads(text)
        if message["type"] == "watching":
            return
        if message["type"] == "problem":
            raise ValueError(message["detail"])


async def _listen(socket: ClientConnection, told: dict[int, list[float]]) -> None:
    async for text in socket:
        now = time.perf_counter()
        if '"type":"commit"' in str(text):
            message: dict[str, Any] = json.loads(text)
            told.setdefault(message["seq"], []).append(now)


async def _save(
    client: httpx.AsyncClient, item: str, title: str
) -> tuple[dict[int, float], dict[int, float]]:
    """Change the item again and again; return when each commit began and when it was answered."""
    begun, answered = {}, {}
    await asyncio.sleep(3)  # the people who came are told to each other
    for number in range(SAVES):
        began = time.perf_counter()
        change = {"attributes": {title: f"edit {number}"}}
        answer = await client.patch(f"{PROJECT}/items/{item}", json=change)
        now = time.perf_counter()
        seq = answer.raise_for_status().json()["ref"]["seq"]
        begun[seq], answered[seq] = began, now
        await asyncio.sleep(PAUSE_SECONDS)
    return begun, answered


async def _read(client: httpx.AsyncClient, item: str) -> list[float]:
    times = []
    for _ in range(50):
        began = time.perf_counter()
        (await client.get(f"{PROJECT}/items/{item}")).raise_for_status()
        times.append(1000 * (time.perf_counter() - began))
    return times


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]
