"""The API as a process of its own: it serves, and it ends without dropping what is in flight."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from reqtrail.entrypoints.first_start import ensure_first_start
from reqtrail.platform.settings import Settings
from tests.fixtures.engines import Engines
from tests.fixtures.instance import free_port

pytestmark = pytest.mark.anyio


async def test_a_request_in_flight_ends_before_the_process(
    engines: Engines, worker: str, redis_url: str, tmp_path: Path
) -> None:
    url = engines.clone(f"process_{worker}")
    settings = Settings(home=tmp_path, database_url=url, bcrypt_rounds=13, port=free_port())
    credentials = await asyncio.to_thread(ensure_first_start, settings)
    assert credentials is not None
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "REQTRAIL_HOME": str(tmp_path),
        "REQTRAIL_DATABASE_URL": url,
        "REQTRAIL_REDIS_URL": redis_url,
        "REQTRAIL_PORT": str(settings.port),
        "REQTRAIL_BCRYPT_ROUNDS": "13",
        "REQTRAIL_LOG_FORMAT": "json",
    }
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "reqtrail.entrypoints.web"],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        async with httpx.AsyncClient(base_url=settings_url(settings), timeout=20) as client:
            await _until_ready(client, process)
            body = {"email": credentials.email, "password": credentials.password}
            pending = asyncio.create_task(client.post("/auth/sign-in", json=body))
            await asyncio.sleep(0.15)
            process.send_signal(signal.SIGTERM)
            answer = await pending
            assert answer.status_code == 200
        assert await asyncio.to_thread(process.wait, 20) in {0, -signal.SIGTERM}
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    text = (tmp_path / "log").read_text()
    assert '"event": "api_stopped"' in text
    assert credentials.password not in text and "Traceback" not in text


@pytest.mark.parametrize("secret", ["hunter2", "your-256-bit-secret-and-some-more", "ab" * 40])
def test_a_weak_secret_refuses_to_start(tmp_path: Path, secret: str) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "REQTRAIL_HOME": str(tmp_path),
        "REQTRAIL_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    }
    (tmp_path / "secret.key").write_text(secret)
    for given in ({"REQTRAIL_SECRET_KEY": secret}, {}):
        done = subprocess.run(
            [sys.executable, "-m", "reqtrail.entrypoints.web"],
            env={**environment, **given},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 1
        assert ("REQTRAIL_SECRET_KEY" if given else "secret.key") in done.stderr
        assert "openssl rand" in done.stderr
        assert secret not in done.stderr and "Traceback" not in done.stderr


def settings_url(settings: Settings) -> str:
    """Return where the process serves its API."""
    return f"http://127.0.0.1:{settings.port}/api/v1"


async def _until_ready(client: httpx.AsyncClient, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None
        try:
            if (await client.get("/health/ready")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)
    raise AssertionError("not ready in time")
