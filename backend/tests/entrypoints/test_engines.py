"""The embedded PostgreSQL and Valkey: started by several at once, adopted, recovered, refused with a clear message."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from reqtrail.entrypoints.embedded.binaries import find_postgres
from reqtrail.entrypoints.embedded.errors import DiskFull, EngineFailed, HomeTooNew, StartError
from reqtrail.entrypoints.embedded.postgres import EmbeddedPostgres
from reqtrail.entrypoints.embedded.privileges import NO_NAMESPACE_SWITCH, Mode, namespaces_work
from reqtrail.entrypoints.embedded.valkey import EmbeddedValkey
from tests.fixtures.disk import small_disk
from tests.fixtures.engines import end_processes_below

BACKEND = Path(__file__).resolve().parents[2]
START = """
import sys
from pathlib import Path
from reqtrail.entrypoints.embedded.postgres import EmbeddedPostgres
from reqtrail.entrypoints.embedded.valkey import EmbeddedValkey
folder = Path(sys.argv[1])
print(EmbeddedPostgres(folder / "pg").start(), EmbeddedValkey(folder / "valkey").start())
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to get rid of root")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for engines, in a short place; what runs below it at the end is ended."""
    with tempfile.TemporaryDirectory(prefix="rt-engine-") as made:
        yield Path(made)
        end_processes_below(Path(made))


def _rows(postgres: EmbeddedPostgres) -> int:
    """Return how many rows the table ``kept`` has."""
    with _connect(postgres) as connection:
        (count,) = connection.execute("SELECT count(*) FROM kept").fetchone() or (-1,)
        return int(count)


def _connect(postgres: EmbeddedPostgres) -> psycopg.Connection[tuple[int]]:
    return psycopg.connect(host=str(postgres.socket_dir), user="reqtrail", dbname="reqtrail")


def _fill(postgres: EmbeddedPostgres) -> None:
    with _connect(postgres) as connection:
        connection.execute("CREATE TABLE kept AS SELECT * FROM generate_series(1, 5000)")


def _until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.02)


def test_concurrent_starts_give_one_cluster(folder: Path) -> None:
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", START, str(folder)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(5)
    ]
    answers = {start.communicate(timeout=120)[0] for start in starts}
    assert [start.returncode for start in starts] == [0] * 5
    (answer,) = answers
    postgres, valkey = (int(pid) for pid in answer.split())
    assert postgres != valkey
    # Those who started them are gone, and this process adopts them.
    assert EmbeddedPostgres(folder / "pg").start() == postgres
    assert EmbeddedValkey(folder / "valkey").start() == valkey


def test_stop_leaves_nothing_running(folder: Path) -> None:
    postgres, valkey = EmbeddedPostgres(folder / "pg"), EmbeddedValkey(folder / "valkey")
    for _ in range(2):
        postgres.start()
        valkey.start()
        postgres.stop()
        valkey.stop()
        assert postgres.running_pid() is None
        assert valkey.running_pid() is None
        assert end_processes_below(folder) == []
    postgres.stop()  # what does not run is not stopped, without complaint
    valkey.stop()


def test_rows_survive_the_kill_of_the_postmaster(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder / "pg")
    killed = postgres.start()
    _fill(postgres)
    os.kill(killed, signal.SIGKILL)
    assert postgres.start() != killed
    assert _rows(postgres) == 5000


def test_valkey_keeps_what_it_wrote_when_killed(folder: Path) -> None:
    valkey = EmbeddedValkey(folder / "valkey")
    killed = valkey.start()
    with Redis.from_url(valkey.url()) as client:
        client.set("kept", "value")
    os.kill(killed, signal.SIGKILL)
    _until(lambda: valkey.running_pid() is None)
    assert valkey.start() != killed
    with Redis.from_url(valkey.url()) as client:
        assert client.get("kept") == b"value"


@pytest.mark.parametrize("whose", ["init's", "our own"])
def test_a_stale_pid_file_whose_pid_is_another_process(folder: Path, whose: str) -> None:
    stranger = 1 if whose == "init's" else os.getpid()
    postgres = EmbeddedPostgres(folder / "pg")
    postgres.start()
    pid_file = postgres.data / "postmaster.pid"
    content = pid_file.read_text()
    postgres.stop()
    pid_file.write_text(content.replace(content.splitlines()[0], str(stranger), 1))
    assert postgres.start() != stranger


def test_a_killed_initdb_leaves_no_half_cluster(folder: Path) -> None:
    half = folder / "pg" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert EmbeddedPostgres(folder / "pg").start() > 0


def test_a_long_path_gets_a_short_socket(folder: Path) -> None:
    deep = folder / ("d" * 60) / ("e" * 60)
    postgres, valkey = EmbeddedPostgres(deep / "pg"), EmbeddedValkey(deep / "valkey")
    assert postgres.start() > 0
    assert valkey.start() > 0
    assert not postgres.socket_dir.is_relative_to(folder)
    postgres.stop()
    valkey.stop()
    shutil.rmtree(postgres.socket_dir)
    shutil.rmtree(valkey.socket.parent)


def test_a_cluster_of_another_major_version_is_refused(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder / "pg")
    version = postgres.data / "PG_VERSION"
    version.parent.mkdir(parents=True)
    major = find_postgres().major
    version.write_text(f"{major + 1}\n")
    with pytest.raises(HomeTooNew, match=f"made by PostgreSQL {major + 1}"):
        postgres.start()
    version.write_text(f"{major - 1}\n")
    with pytest.raises(EngineFailed, match="pg_upgrade"):
        postgres.start()


def test_a_server_that_cannot_start_shows_its_log_at_once(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder / "pg", options=("no_such_setting=1",))
    began = time.monotonic()
    with pytest.raises(EngineFailed, match="no_such_setting"):
        postgres.start()
    assert time.monotonic() - began < 20


def test_a_full_disk_is_said_plainly(folder: Path) -> None:
    with small_disk(folder / "disk", megabytes=16) as disk:
        with pytest.raises(DiskFull, match="Make room"):
            EmbeddedPostgres(disk / "pg").start()
        with (disk / "filling").open("wb") as filling, pytest.raises(OSError, match="No space"):
            while True:
                filling.write(b"x" * 65536)
        with pytest.raises(DiskFull, match="Make room"):
            EmbeddedValkey(disk / "valkey").start()


@as_root
def test_root_runs_it_in_a_user_namespace(folder: Path) -> None:
    if not namespaces_work():
        pytest.skip("this machine forbids user namespaces")
    private = folder / "private"
    private.mkdir(mode=0o700)
    postgres = EmbeddedPostgres(private / "pg")
    pid = postgres.start()
    assert postgres.mode is Mode.NAMESPACE
    assert postgres.data.is_relative_to(private)
    assert postgres.data.stat().st_uid == 0
    assert os.readlink(f"/proc/{pid}/ns/user") != os.readlink("/proc/self/ns/user")
    _fill(postgres)


@as_root
def test_root_without_namespaces_runs_it_as_somebody_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NO_NAMESPACE_SWITCH, "1")
    folder.chmod(0o711)
    monkeypatch.setenv("REQTRAIL_RUNTIME_DIR", str(folder / "runtime"))
    private = folder / "private"
    private.mkdir(mode=0o700)
    postgres = EmbeddedPostgres(private / "pg")
    pid = postgres.start()
    assert postgres.mode is Mode.UNPRIVILEGED
    assert Path(f"/proc/{pid}").stat().st_uid != 0
    assert postgres.data.is_relative_to(folder / "runtime")
    assert postgres.data.stat().st_uid != 0
    _fill(postgres)
    os.kill(pid, signal.SIGKILL)
    postgres.start()
    assert _rows(postgres) == 5000
    # Who owns the data decides how it is run, also when namespaces are allowed again.
    monkeypatch.delenv(NO_NAMESPACE_SWITCH)
    again = EmbeddedPostgres(private / "pg")
    assert (again.mode, again.data) == (Mode.UNPRIVILEGED, postgres.data)
    assert again.start() == postgres.running_pid()
    assert _rows(again) == 5000


@as_root
def test_data_of_a_namespace_is_not_passed_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not namespaces_work():
        pytest.skip("this machine forbids user namespaces")
    EmbeddedPostgres(folder / "pg").start()
    monkeypatch.setenv(NO_NAMESPACE_SWITCH, "1")
    with pytest.raises(StartError, match="Allow user namespaces"):
        EmbeddedPostgres(folder / "pg").start()


def test_a_valkey_that_stands_still_is_not_doubled(folder: Path) -> None:
    """Two that write to the same file would destroy it: the next start waits, and ends it only if it must."""
    valkey = EmbeddedValkey(folder / "valkey")
    pid = valkey.start()
    os.kill(pid, signal.SIGSTOP)
    assert (valkey.running_pid(), valkey.process_pid()) == (None, pid)
    with ThreadPoolExecutor(1) as beside:
        starting = beside.submit(EmbeddedValkey(folder / "valkey").start)
        time.sleep(1)
        assert not starting.done()
        os.kill(pid, signal.SIGCONT)
        assert starting.result(60) == pid
    os.kill(pid, signal.SIGSTOP)
    valkey.stop()
    _until(lambda: valkey.process_pid() is None)
