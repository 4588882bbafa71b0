"""Traces of real processes: an API and a worker that are started and stopped as in operation."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from reqtrail.entrypoints.first_start import ensure_first_start
from reqtrail.platform.settings import Settings
from tests.features.exchange.sample import sample
from tests.fixtures.engines import Engines
from tests.fixtures.instance import free_port
from tests.telemetry.collector import collecting
from tests.telemetry.test_traces import BROWSER, PARENT

pytestmark = pytest.mark.anyio


@contextmanager
def _process(
    module: str, environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", f"reqtrail.entrypoints.{module}"],
            env=environment,
            stdout=sink,
            stderr=sink,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


async def _until_done(client: httpx.AsyncClient, path: str) -> None:
    for _ in range(600):
        if (await client.get(path)).json()["state"] == "done":
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the import does not end")


async def _until_ready(client: httpx.AsyncClient) -> None:
    for _ in range(600):
        try:
            if (await client.get("/health/ready")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)
    raise AssertionError("the API does not start")


async def test_one_trace_through_both_processes_and_an_end_beside_a_collector_that_stands_still(
    engines: Engines, worker: str, redis_url: str, tmp_path: Path
) -> None:
    url = engines.clone(f"traced_{worker}")
    settings = Settings(home=tmp_path, database_url=url, bcrypt_rounds=4, port=free_port())
    credentials = await asyncio.to_thread(ensure_first_start, settings)
    assert credentials is not None
    with ExitStack() as stack:
        collector = stack.enter_context(collecting())
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "REQTRAIL_HOME": str(tmp_path),
            "REQTRAIL_DATABASE_URL": url,
            "REQTRAIL_REDIS_URL": redis_url,
            "REQTRAIL_PORT": str(settings.port),
            "REQTRAIL_LOG_FORMAT": "json",
            "REQTRAIL_OTLP_ENDPOINT": collector.url,
            "REQTRAIL_TRACE_RATIO": "1",
        }
        processes = {
            module: stack.enter_context(_process(module, environment, tmp_path / f"{module}.log"))
            for module in ("web", "worker")
        }
        base = f"http://127.0.0.1:{settings.port}/api/v1"
        headers = {"Authorization": f"Bearer {credentials.token}"}
        async with httpx.AsyncClient(base_url=base, headers=headers, timeout=30) as client:
            await _until_ready(client)
            await client.post("/projects", json={"key": "TRACED", "name": "Traced"})
            answer = await client.post(
                "/projects/TRACED/imports",
                files={"file": ("file.reqif", sample())},
                data={"mode": "commit"},
                headers={"traceparent": PARENT},
            )
            await _until_done(client, f"/projects/TRACED/imports/{answer.json()['id']}")
        # The worker has nothing left to say when the collector begins to stand still; the API has.
        processes["worker"].send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(processes["worker"].wait, 20) == 0
        services = {span.service for span in collector.spans() if span.trace == BROWSER}
        assert "reqtrail-worker" in services
        await asyncio.sleep(2.5)
        assert {s.service for s in collector.spans() if s.trace == BROWSER} == {
            "reqtrail-api",
            "reqtrail-worker",
        }
        collector.gate.clear()
        async with httpx.AsyncClient(base_url=base, headers=headers, timeout=30) as client:
            assert (await client.get("/projects")).status_code == 200
        began = time.monotonic()
        processes["web"].send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(processes["web"].wait, 30) in {0, -signal.SIGTERM}
        assert time.monotonic() - began < 10
    for module in ("web", "worker"):
        log = (tmp_path / f"{module}.log").read_text()
        assert "Traceback" not in log and "traces_sent_from_now_on" in log
    assert f'"trace_id": "{BROWSER}"' in (tmp_path / "worker.log").read_text()
