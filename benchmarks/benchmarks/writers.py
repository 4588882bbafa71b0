"""Many writers at once: durable edits a second, beside the same number of bare SQL writers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

import asyncpg
import httpx
import orjson

from benchmarks import sql
from benchmarks.instance import Running
from benchmarks.report import Result

WRITERS = 16
PROJECTS = 8
SECONDS = 6.0
SHARE_OF_RAW = 0.15


async def many_writers(running: Running) -> Result:
    """Return the edits a second of 16 writers in 8 projects; each edits an item of its own."""
    raw = await _raw_rate(running)
    ours = await _our_rate(running)
    return Result(
        f"durable edits by {WRITERS} writers in {PROJECTS} projects",
        ours,
        raw,
        limit=SHARE_OF_RAW * raw,
        bar=1.0,
        unit="/s",
        more_is_better=True,
        note=f"limit: {SHARE_OF_RAW} × raw",
    )


async def _rate(act: Callable[[int], Awaitable[None]]) -> float:
    """Return how many acts a second WRITERS tasks get done together."""
    done = 0
    end = time.perf_counter() + SECONDS

    async def writer(number: int) -> None:
        nonlocal done
        while time.perf_counter() < end:
            await act(number)
            done += 1

    began = time.perf_counter()
    await asyncio.gather(*(writer(number) for number in range(WRITERS)))
    return done / (time.perf_counter() - began)


async def _raw_rate(running: Running) -> float:
    connections = [await asyncpg.connect(running.raw_url) for _ in range(WRITERS)]
    try:
        await connections[0].execute(sql.SCRATCH)
        content = orjson.dumps({"text": "word " * 60}).decode()

        async def act(number: int) -> None:
            connection = connections[number]
            async with connection.transaction():
                version = uuid4()
                await connection.execute(sql.SAVE_VERSION, version, 1, content)
                await connection.execute(sql.SAVE_HEAD, version, 1)

        return await _rate(act)
    finally:
        for connection in connections:
            await connection.close()


async def _our_rate(running: Running) -> float:
    headers = {
        "Authorization": f"Bearer {running.token}",
        "Content-Type": "application/json",
    }
    async with httpx.AsyncClient(
        base_url=f"{running.url}/api/v1", headers=headers, timeout=60
    ) as client:
        places = [await _item(client, f"W{number % PROJECTS}") for number in range(WRITERS)]
        turns = [0] * WRITERS

        async def act(number: int) -> None:
            key, item, attribute = places[number]
            turns[number] += 1
            text = f"<p>{'word ' * 60}{turns[number]}</p>"
            edit = {
                "op": "update",
                "kind": "item",
                "id": item,
                "fields": {"attributes": {attribute: text}},
            }
            answer = await client.post(
                f"/projects/{key}/commits",
                content=orjson.dumps({"message": "Edit", "operations": [edit]}),
            )
            answer.raise_for_status()

        return await _rate(act)


async def _item(client: httpx.AsyncClient, key: str) -> tuple[str, str, str]:
    """Return the project, an item made for a writer, and its text attribute."""
    made = await client.post("/projects", json={"key": key, "name": key})
    if made.status_code not in {201, 409}:
        made.raise_for_status()
    schema = (await client.get(f"/projects/{key}/schema")).json()
    kind = next(one for one in schema["types"] if one["name"] == "Requirement")
    attribute = next(one["id"] for one in kind["attributes"] if one["name"] == "Text")
    body = {"type_id": kind["id"], "attributes": {attribute: "<p>First</p>"}}
    answer = await client.post(f"/projects/{key}/items", json=body)
    answer.raise_for_status()
    return key, str(answer.json()["item"]["id"]), str(attribute)
