"""A test run that is killed leaves engines behind; the next run ends them, and those of living runs go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.engines import END_SECONDS, Engines, end_leftovers, end_processes_below

BACKEND = Path(__file__).resolve().parents[2]
DIES = """
import os, signal
import pytest

from tests.fixtures.engines import Engines, run_folder
os.environ["REQTRAIL_RUNTIME_DIR"] = str(run_folder() / "runtime")
engines = Engines(run_folder())
engines.start()
print(engines.postgres.running_pid(), engines.valkey.running_pid(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def place() -> Iterator[Path]:
    """A temporary folder with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="rt-killed-") as made:
        Path(made).chmod(0o711)
        yield Path(made)
        end_processes_below(Path(made))


def test_engines_of_a_killed_run_are_ended(place: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DIES],
        cwd=BACKEND,
        env={**os.environ, "TMPDIR": str(place), "PYTHONPATH": f"{BACKEND}:{BACKEND / 'src'}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2
    assert all(_runs(pid) for pid in pids)
    (folder,) = place.glob(f"rt-{os.getuid()}-*")

    assert end_leftovers(place) == [folder]

    assert not any(_runs(pid) for pid in pids)
    assert not folder.exists()
    assert end_leftovers(place) == []


def test_a_living_run_keeps_its_engines(engines: Engines) -> None:
    before = engines.postgres.running_pid(), engines.valkey.running_pid()
    assert None not in before
    assert engines.folder not in end_leftovers()
    assert (engines.postgres.running_pid(), engines.valkey.running_pid()) == before


def test_only_engines_below_the_folder_are_ended(tmp_path: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "input()", f"{tmp_path}/x"], stdin=-1)
    try:
        assert end_processes_below(tmp_path) == []
        assert bystander.poll() is None
    finally:
        bystander.communicate(b"\n", timeout=END_SECONDS)
