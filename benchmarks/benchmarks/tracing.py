"""What traces cost: the same requests to instances without, with a tenth and with all of them traced, in turns."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Final

import httpx

from benchmarks.instance import Running, free_port, running
from benchmarks.report import Result, Side, interleaved, print_table

ROUNDS: Final = 500
PROJECT: Final = "/api/v1/projects/TRACE"
RATIOS: Final = {"off": None, "a tenth": "0.1", "all": "1"}
WORKS: Final = ("read a project", "list its documents", "save a document")


async def measure(folder: Path) -> dict[str, list[Result]]:
    """Return p50 and p95 of each work, and the API's processor time, beside those without traces."""
    port = free_port()
    with ExitStack() as stack:
        sink = subprocess.Popen([sys.executable, "-m", "benchmarks.collector", str(port)])
        stack.callback(sink.wait)
        stack.callback(sink.terminate)
        found = {}
        for name, ratio in RATIOS.items():
            place = folder / name.replace(" ", "-")
            place.mkdir(mode=0o711)
            settings = {"REQTRAIL_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"} if ratio else {}
            if ratio:
                settings["REQTRAIL_TRACE_RATIO"] = ratio
            found[name] = stack.enter_context(running(place, **settings))
        return await _measure(found)


async def _measure(found: dict[str, Running]) -> dict[str, list[Result]]:
    title = f"Traces: {ROUNDS} requests of each kind, in turns; the limit is without traces"
    rows: list[Result] = []
    print_table(title)
    async with AsyncExitStack() as stack:
        clients = {}
        for name, instance in found.items():
            headers = {"Authorization": f"Bearer {instance.token}"}
            client = httpx.AsyncClient(base_url=instance.url, headers=headers, timeout=60)
            clients[name] = await stack.enter_async_context(client)
            made = await client.post("/api/v1/projects", json={"key": "TRACE", "name": "Traces"})
            made.raise_for_status()
        before = {name: _processor_seconds(one) for name, one in found.items()}
        for work in WORKS:
            sides = {name: _side(client, work) for name, client in clients.items()}
            samples = await interleaved(ROUNDS, **sides)
            for quantile in (50, 95):
                rows += _compared(f"{work}, p{quantile}", samples, quantile)
    count = len(WORKS) * (ROUNDS + 1) + 1
    spent = {
        name: [1000 * (_processor_seconds(one) - before[name]) / count]
        for name, one in found.items()
    }
    rows += _compared("processor time of a request", spent, 50)
    for row in rows:
        print(row.line())
    return {title: rows}


def _side(client: httpx.AsyncClient, work: str) -> Side:
    async def ask(number: int) -> None:
        if work == "save a document":
            answer = await client.post(f"{PROJECT}/documents", json={"title": f"Number {number}"})
        else:
            path = PROJECT if work == "read a project" else f"{PROJECT}/documents"
            answer = await client.get(path)
        answer.raise_for_status()

    return ask


def _compared(work: str, samples: dict[str, list[float]], quantile: int) -> list[Result]:
    off = _quantile(samples["off"], quantile)
    return [
        Result(f"{work}, {name} traced", _quantile(taken, quantile), limit=off)
        for name, taken in samples.items()
        if name != "off"
    ]


def _quantile(samples: list[float], quantile: int) -> float:
    if len(samples) == 1:
        return samples[0]
    return statistics.quantiles(samples, n=100)[quantile - 1]


def _processor_seconds(instance: Running) -> float:
    """Return the processor time that the API process has taken."""
    fields = Path(f"/proc/{instance.pid('api_pids')}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
