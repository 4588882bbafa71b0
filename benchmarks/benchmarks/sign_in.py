"""What a flood of sign-ins costs those who are signed in: the time of their requests, before and while it lasts."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time

import asyncpg
import httpx

from benchmarks.flood import GUESSERS, address_of
from benchmarks.instance import Running
from benchmarks.report import Result, print_table

QUIET_SECONDS = 20
FLOOD_SECONDS = 30
READERS = 4
PAUSE_SECONDS = 0.05
"""How long each reader rests between two requests."""


async def _make_accounts(running: Running) -> None:
    """Make the accounts of the flood: copies of the first one, so that no minute goes by with hashing."""
    connection = await asyncpg.connect(running.raw_url)
    try:
        await connection.executemany(
            "INSERT INTO users (user_id, email, display_name, password_hash, is_administrator, active, created_at)"
            " SELECT gen_random_uuid(), $1, 'Flooded', password_hash, false, true, now() FROM users"
            " WHERE email = 'admin@reqtrail.local'",
            [(address_of(number),) for number in range(GUESSERS)],
        )
    finally:
        await connection.close()


async def _read(running: Running, key: str, until: float, samples: list[float]) -> None:
    paths = (f"/projects/{key}", f"/projects/{key}/documents", "/projects", "/me")
    headers = {"Authorization": f"Bearer {running.token}"}
    async with httpx.AsyncClient(base_url=f"{running.url}/api/v1", headers=headers) as client:
        for number in range(10**9):
            if time.perf_counter() >= until:
                return
            began = time.perf_counter()
            answer = await client.get(paths[number % len(paths)], timeout=60)
            samples.append((time.perf_counter() - began) * 1000)
            answer.raise_for_status()
            await asyncio.sleep(PAUSE_SECONDS)


async def _others(running: Running, key: str, seconds: float) -> list[float]:
    samples: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(_read(running, key, until, samples) for _ in range(READERS)))
    return samples


def _p95(samples: list[float]) -> float:
    return statistics.quantiles(samples, n=20)[-1]


async def measure(running: Running) -> dict[str, list[Result]]:
    """Return the one row: others' p95 during the flood, against that before it."""
    await _make_accounts(running)
    headers = {"Authorization": f"Bearer {running.token}"}
    async with httpx.AsyncClient(base_url=f"{running.url}/api/v1", headers=headers) as client:
        made = await client.post("/projects", json={"key": "FLOOD", "name": "Flood"})
        made.raise_for_status()
    await _others(running, "FLOOD", 3)
    before = await _others(running, "FLOOD", QUIET_SECONDS)
    port = running.url.rpartition(":")[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.flood",
        port,
        str(FLOOD_SECONDS),
        stdout=asyncio.subprocess.PIPE,
    )
    during = await _others(running, "FLOOD", FLOOD_SECONDS)
    output, _ = await process.communicate()
    answers = json.loads(output)
    await asyncio.sleep(5)  # what the flood left in the queue
    after = await _others(running, "FLOOD", QUIET_SECONDS)
    title = f"Sign-in flood: {GUESSERS} requests a second for {FLOOD_SECONDS} s"
    work = f"others' requests, p95 ({len(during)} of them)"
    told = ", ".join(f"{count} x {status}" for status, count in sorted(answers.items()))
    row = Result(
        work,
        _p95(during),
        limit=_p95(before),
        bar=2,
        note=told,
        samples={"before": before, "during": during, "after": after},
    )
    print_table(title)
    print(row.line())
    print(
        f"\nThe flood was answered {told}. p95 before {_p95(before):.1f} ms, after {_p95(after):.1f} ms."
    )
    return {title: [row]}
