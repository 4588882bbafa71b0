"""The processes under measurement: ``reqtrail up`` with a home of its own, and the floor on the same database."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

START_SECONDS = 120.0
NO_LIMIT = {
    f"REQTRAIL_RATE_{name}": "10000000" for name in ("ADDRESS", "TOKEN_READS", "TOKEN_WRITES")
}
"""One client that asks as fast as it can would be told to wait; what counting costs is measured all the same."""
_SOURCES = Path(__file__).resolve().parents[2] / "backend" / "src"


@dataclass(frozen=True)
class Running:
    """Where everything listens. Loopback only."""

    url: str
    token: str
    floor_url: str
    database_url: str
    redis_url: str
    home: Path

    def pid(self, name: str) -> int:
        """Return the process id of the first of ``api_pids`` or ``worker_pids``."""
        return int(json.loads((self.home / "runtime.json").read_text())[name][0])

    @property
    def raw_url(self) -> str:
        """The database's URL for asyncpg."""
        return self.database_url.replace("postgresql+asyncpg://", "postgresql://")


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _process(command: list[str], log: Path, **environment: str) -> Iterator[None]:
    path = os.pathsep.join([str(_SOURCES), str(Path(__file__).resolve().parents[1])])
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, "PYTHONPATH": path, **environment},
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _wait(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=2).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise TimeoutError(f"{url} does not answer")


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[Running]:
    """Start everything in *folder* and stop it at the end; *environment* are further settings."""
    home, port, floor_port = folder / "home", free_port(), free_port()
    with ExitStack() as stack:
        up = _process(
            ["-m", "reqtrail", "up"],
            folder / "up.log",
            REQTRAIL_HOME=str(home),
            REQTRAIL_PORT=str(port),
            REQTRAIL_DEMO="0",
            REQTRAIL_LOG_LEVEL="WARNING",
            **NO_LIMIT,
            **environment,
        )
        stack.enter_context(up)
        url = f"http://127.0.0.1:{port}"
        _wait(f"{url}/api/v1/health/ready")
        runtime = json.loads((home / "runtime.json").read_text())
        token = json.loads((home / "credentials.json").read_text())["token"]
        floor_url = f"http://127.0.0.1:{floor_port}"
        found = Running(url, token, floor_url, runtime["database_url"], runtime["redis_url"], home)
        floor = _process(
            ["-m", "benchmarks.floor"],
            folder / "floor.log",
            BENCH_DATABASE_URL=found.raw_url,
            BENCH_PORT=str(floor_port),
        )
        stack.enter_context(floor)
        _wait(f"{floor_url}/hello")
        yield found
