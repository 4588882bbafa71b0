"""Histories in a real instance: from the command line, and with the worker killed in the middle of one."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from reqtrail.entrypoints.cli import app
from reqtrail.entrypoints.cli.output import Exit
from tests.features.exchange.told import change, line, packed
from tests.features.exchange.test_history_import_reqif import FIRST, SECOND
from tests.fixtures.instance import Instance, running_instance

LINES = 400
LIMIT_SECONDS = 120.0


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One empty instance for the tests of this module."""
    home = tmp_path_factory.mktemp("histories") / "home"
    with running_instance(home, demo=False) as running:
        yield running


@pytest.fixture(autouse=True)
def local(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of somebody who works beside the instance's home."""
    monkeypatch.setenv("REQTRAIL_HOME", str(instance.home))
    monkeypatch.delenv("REQTRAIL_URL", raising=False)
    monkeypatch.delenv("REQTRAIL_TOKEN", raising=False)


def run(*arguments: str | Path, code: int = 0) -> Result:
    """Run a command and check its exit code."""
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exit_code == code, f"{result.output}\n{result.stderr}\n{result.exception!r}"
    return result


def run_json(*arguments: str | Path, code: int = 0) -> Any:
    """Run a command with --json and return what it printed."""
    return json.loads(run(*arguments, "--json", code=code).stdout)


def test_a_history_of_lines(tmp_path: Path) -> None:
    """Dry run, import, the same again, a line that is broken, wrong usage."""
    file = tmp_path / "history.jsonl"
    lines = [line(1, change("add", "R-1"), author="ann"), line(2), line(3, author="bob")]
    file.write_bytes(packed(lines))
    arguments = ("import-history", file, "-p", "LIN")
    dry = run(*arguments, "--dry-run").stdout
    assert "3 of 3 commits would be added" in dry
    assert "Nothing was written" in dry
    assert "3 of 3 commits added" in run(*arguments, "--baseline", "end").stdout
    again = run_json(*arguments, "--baseline", "end")["imports"][0]
    assert (again["counts"]["commits"], again["commit"]) == (0, {"seq": 4})
    commits = run_json("log", "-p", "LIN")["commits"]
    assert [one["author"]["display_name"] for one in commits[1:4]] == ["bob", "ann", "ann"]
    assert [one["name"] for one in run_json("baseline", "list", "-p", "LIN")["baselines"]] == [
        "end"
    ]
    assert run_json("verify", "-p", "LIN")["ok"] is True
    file.write_bytes(packed([*lines, line(4, change("delete", "R-7"))]))
    broken = run(*arguments, code=Exit.REFUSED)
    assert "Line 4 " in broken.stderr
    assert "broken_line" in broken.stderr
    run(*arguments, "--author", "ann", code=Exit.USAGE)
    run(*arguments, "--date", "2020-01-01", code=Exit.USAGE)
    run("import-history", file, file, "-p", "LIN", code=Exit.USAGE)
    run("import-history", tmp_path / "none.jsonl", "-p", "LIN", code=Exit.USAGE)


def test_a_history_of_reqif_files(tmp_path: Path) -> None:
    """Each file is a commit with its date and author, and has its baselines; the same again adds nothing."""
    first, second = tmp_path / "2021.reqif", tmp_path / "2022.reqif"
    first.write_bytes(FIRST)
    second.write_bytes(SECOND)
    arguments = ("import-history", first, second, "-p", "REQ", "--author", "Supplier")
    given = ("--baseline", "A@2021.reqif", "--baseline", "B")
    done = run_json(*arguments, *given)["imports"]
    assert [one["state"] for one in done] == ["done", "done"]
    again = run_json(*arguments, *given)["imports"]
    assert [one["commit"] for one in again] == [one["commit"] for one in done]
    named = run_json("baseline", "list", "-p", "REQ")["baselines"]
    assert {one["name"]: one["seq"] for one in named} == {
        "A": done[0]["commit"]["seq"],
        "B": done[1]["commit"]["seq"],
    }
    assert "2022.reqif: 1 documents" in run(*arguments).stdout
    run(*arguments, "--date", "2020-01-01", code=Exit.USAGE)
    run(*arguments, "--date", "2020-01-01", "--date", "soon", code=Exit.USAGE)
    run(*arguments, "--baseline", "A@2023.reqif", code=Exit.USAGE)
    dated = ("--date", "2020-01-01", "--date", "2020-02-01T10:00Z")
    assert run_json(*arguments, *dated)["imports"][0]["commit"]["seq"] > done[1]["commit"]["seq"]
    first.write_bytes(b"no ReqIF")
    assert "2021.reqif: " in run(*arguments, code=Exit.REFUSED).stderr


def test_a_killed_worker_leaves_whole_commits_and_is_gone_on_from(instance: Instance) -> None:
    """SIGKILL in the middle: each line is there once, in its order, and everything verifies."""
    lines = [line(1, change("add", "R-1", STATEMENT="0"))]
    lines += [
        line(number, change("modify", "R-1", STATEMENT=str(number)), change("add", f"N-{number}"))
        for number in range(2, LINES + 1)
    ]
    with instance.client() as client:
        client.post("/api/v1/projects", json={"key": "KIL", "name": "K"}).raise_for_status()
        answer = client.post(
            "/api/v1/projects/KIL/history-imports",
            files={"file": ("history.jsonl", packed(lines))},
            data={"mode": "commit"},
        )
        path = f"/api/v1/projects/KIL/imports/{answer.raise_for_status().json()['id']}"
        running = _wait(client, path, lambda job: job["phase"] == "writing" and job["done"] >= 20)
        assert running["state"] == "committing"
        os.kill(instance.pids("worker")[0], signal.SIGKILL)
        done = _wait(client, path, lambda job: job["finished_at"] is not None)
        assert (done["state"], done["counts"]["commits"]) == ("done", LINES), done["error"]
        commits = client.get("/api/v1/projects/KIL/commits", params={"limit": 500}).json()
        messages = [commit["message"] for commit in reversed(commits["commits"])][1:]
        assert messages == [f"step {number}" for number in range(1, LINES + 1)]
        items = client.get("/api/v1/projects/KIL/items", params={"limit": 1000}).json()["items"]
        assert len(items) == LINES
        assert client.post("/api/v1/projects/KIL/verify", timeout=120).json()["ok"] is True


def _wait(client: httpx.Client, path: str, reached: Any) -> dict[str, Any]:
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        job = dict(client.get(path).raise_for_status().json())
        if reached(job):
            return job
        assert job["finished_at"] is None, f"it ended too early: {job}"
        time.sleep(0.02)
    raise AssertionError(f"the import does not get there: {job}")
