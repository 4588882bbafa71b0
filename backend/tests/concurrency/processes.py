"""API processes that share one database and one Valkey, as those behind a load balancer do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.fixtures.instance import end_with_parent, free_port

START_LIMIT_SECONDS = 120.0
STOP_LIMIT_SECONDS = 40.0
WEB = ("reqtrail.entrypoints.web",)


@dataclass(frozen=True)
class Place:
    """Where API processes keep their data and who may talk to them."""

    home: Path
    database_url: str
    redis_url: str
    token: str


@contextmanager
def api_processes(place: Place, count: int, module: Sequence[str] = WEB) -> Iterator[list[int]]:
    """Run *count* API processes and yield their ports.

    They are asked to end, and end after what is in flight: also a request whose client has gone away is done, or not
    done, for good when this returns.

    Args:
        module: What ``python -m`` runs, with its arguments; the real entrypoint unless a test plants a fault.

    Raises:
        AssertionError: If one does not start, ends early, or does not end.
    """
    ports = [free_port() for _ in range(count)]
    log = place.home / f"api-{'-'.join(module)}.log"
    with log.open("ab") as sink:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", *module],
                env=_environment(place, port),
                stdout=sink,
                stderr=sink,
                preexec_fn=end_with_parent(),
            )
            for port in ports
        ]
    try:
        for process, port in zip(processes, ports, strict=True):
            _wait_until_ready(process, port, log)
        yield ports
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        codes = [_end(process) for process in processes]
    assert set(codes) <= {0, -signal.SIGTERM}, f"{codes}\n{log.read_text()[-4000:]}"


def _environment(place: Place, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "REQTRAIL_HOME": str(place.home),
        "REQTRAIL_DATABASE_URL": place.database_url,
        "REQTRAIL_REDIS_URL": place.redis_url,
        "REQTRAIL_PORT": str(port),
        "REQTRAIL_BCRYPT_ROUNDS": "4",
        "REQTRAIL_LOG_LEVEL": "WARNING",
        "NO_COLOR": "1",
    }


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-4000:]
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/health/ready", timeout=5)
            if answer.status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"not ready within {START_LIMIT_SECONDS} s\n{log.read_text()[-4000:]}")


def _end(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(STOP_LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
