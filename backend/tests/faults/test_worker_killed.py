"""SIGKILL of the worker in the middle of an import, and of the API: the import is taken up again, and written once."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from tests.fixtures.instance import running_instance

OBJECTS = 4_000
LIMIT_SECONDS = 120.0
TAKE_OVER_SECONDS = 30.0
MOMENT = 'LAST-CHANGE="2026-01-01T00:00:00Z"'


def _file() -> bytes:
    objects = "".join(f'<SPEC-OBJECT IDENTIFIER="o{at}" {MOMENT}/>' for at in range(OBJECTS))
    hierarchy = "".join(
        f'<SPEC-HIERARCHY IDENTIFIER="h{at}" {MOMENT}><OBJECT><SPEC-OBJECT-REF>o{at}'
        "</SPEC-OBJECT-REF></OBJECT></SPEC-HIERARCHY>"
        for at in range(OBJECTS)
    )
    return (
        '<REQ-IF xmlns="http://www.omg.org/spec/ReqIF/20110401/reqif.xsd"><CORE-CONTENT>'
        f"<REQ-IF-CONTENT><SPEC-OBJECTS>{objects}</SPEC-OBJECTS><SPECIFICATIONS>"
        f'<SPECIFICATION IDENTIFIER="s" {MOMENT} LONG-NAME="Large"><CHILDREN>{hierarchy}'
        "</CHILDREN></SPECIFICATION></SPECIFICATIONS></REQ-IF-CONTENT></CORE-CONTENT></REQ-IF>"
    ).encode()


def _job(client: httpx.Client, job_id: str) -> dict[str, Any] | None:
    """Return the import; None while the API is away."""
    try:
        answer = client.get(f"/api/v1/projects/WRK/imports/{job_id}", timeout=20)
    except httpx.TransportError:
        return None
    return dict(answer.json()) if answer.status_code == 200 else None


def _wait(client: httpx.Client, job_id: str, *states: str) -> dict[str, Any]:
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        job = _job(client, job_id)
        if job is not None and job["state"] in states:
            return job
        time.sleep(0.02)
    raise AssertionError(f"the import does not become {states}: {_job(client, job_id)}")


@pytest.mark.parametrize("victim", ["worker", "api"])
def test_import_survives_a_kill(tmp_path: Path, victim: Literal["api", "worker"]) -> None:
    """Whoever dies, the import ends as one commit that holds everything once."""
    with running_instance(tmp_path / "home", demo=False) as instance, instance.client() as client:
        client.post("/api/v1/projects", json={"key": "WRK", "name": "W"}).raise_for_status()
        job = client.post(
            "/api/v1/projects/WRK/imports",
            files={"file": ("large.reqif", _file())},
            data={"mode": "commit"},
        ).json()
        _wait(client, job["id"], "running", "committing")
        path = f"/api/v1/projects/WRK/jobs/{job['id']}"
        os.kill(instance.pids(victim)[0], signal.SIGKILL)
        if victim == "worker":
            began = time.monotonic()
            while client.get(path).json()["attempts"] == 1:
                assert time.monotonic() - began < TAKE_OVER_SECONDS
                time.sleep(0.1)
        done = _wait(client, job["id"], "done", "failed")
        assert done["state"] == "done", done["error"]
        assert (done["counts"]["items"], done["counts"]["created"]) == (OBJECTS, 2 * OBJECTS + 2)
        commits = client.get("/api/v1/projects/WRK/commits").json()["commits"]
        assert [commit["kind"] for commit in commits] == ["import", "init"]
        report = client.post("/api/v1/projects/WRK/verify", timeout=120).json()
        assert report["ok"], report
