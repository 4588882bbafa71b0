"""The command line against a real instance, and what it says when there is none."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from reqtrail.entrypoints.cli import app
from reqtrail.entrypoints.cli.output import Exit, diff_text, word_diff
from tests.fixtures.instance import Instance, free_port, running_instance

SAMPLE = Path(__file__).resolve().parents[3] / "examples" / "reqif" / "small.reqif"
LARGE = 20
"""From so many changes on the instance has a worker merge."""
VERIFIER = SAMPLE.parents[1] / "verify_baseline.py"
COMMANDS = (
    *(
        ["up"],
        ["doctor"],
        ["status"],
        ["version"],
        ["import"],
        ["export"],
        ["log"],
        ["diff"],
        ["verify"],
    ),
    *(["user", "add"], ["user", "list"], ["user", "reset-password"], ["token", "create"]),
    *(["branch", "list"], ["branch", "create"], ["branch", "update"], ["branch", "merge"]),
    *(["branch", "close"], ["baseline", "list"], ["baseline", "create"]),
    *(["baseline", "export"], ["import-history"], ["keys", "list"], ["keys", "make"]),
    *(["keys", "rotate"], ["keys", "rotate-signing"]),
)


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One instance with the demo project for the tests of this module."""
    home = tmp_path_factory.mktemp("cli") / "home"
    with running_instance(home, merge_large_from=str(LARGE)) as running:
        yield running


@pytest.fixture
def local(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Instance:
    """The environment of somebody who works beside the instance's home."""
    monkeypatch.setenv("REQTRAIL_HOME", str(instance.home))
    monkeypatch.delenv("REQTRAIL_URL", raising=False)
    monkeypatch.delenv("REQTRAIL_TOKEN", raising=False)
    return instance


def run(*arguments: str, code: int = 0) -> Result:
    """Run a command and check its exit code."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, f"{result.output}\n{result.stderr}\n{result.exception!r}"
    return result


def run_json(*arguments: str, code: int = 0) -> Any:
    """Run a command with --json and return what it printed."""
    return json.loads(run(*arguments, "--json", code=code).stdout)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_an_example(command: list[str]) -> None:
    text = " ".join(run(*command, "--help").stdout.split())
    assert "Example" in text
    assert f"reqtrail {' '.join(command)}" in text


def test_a_word_difference_names_words() -> None:
    assert list(word_diff("a car brakes", "a truck brakes")) == [
        ("=", "a "),
        ("-", "car"),
        ("+", "truck"),
        ("=", " brakes"),
    ]
    assert diff_text("show its rows", "be ready now").plain == "[-show its rows-]{+be ready now+}"


@pytest.mark.parametrize(
    ("before", "after"), [("", "new"), ("old", ""), ("a  b", "a b c"), ("x y", "y x")]
)
def test_a_word_difference_holds_both_texts(before: str, after: str) -> None:
    parts = list(word_diff(before, after))
    assert "".join(text for sign, text in parts if sign != "+") == before
    assert "".join(text for sign, text in parts if sign != "-") == after


def test_without_a_server_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REQTRAIL_HOME", str(tmp_path))
    monkeypatch.setenv("REQTRAIL_URL", f"http://127.0.0.1:{free_port()}")
    assert "No token" in run("status", code=Exit.REFUSED).stderr
    monkeypatch.setenv("REQTRAIL_TOKEN", "rqt_x")
    assert "cannot be reached" in run("status", code=Exit.UNREACHABLE).stderr
    assert "reqtrail up" in run("user", "reset-password", "a@b.c", code=Exit.UNREACHABLE).stderr
    assert "reqtrail up" in run("keys", "rotate-signing", code=Exit.UNREACHABLE).stderr


def test_wrong_usage_ends_with_2() -> None:
    run("log", code=Exit.USAGE)
    run("import", "/no/such.reqif", "--project", "BRK", code=Exit.USAGE)


def test_a_local_token_is_not_sent_elsewhere(
    local: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQTRAIL_URL", f"http://127.0.0.1:{free_port()}")
    assert "No token" in run("status", code=Exit.REFUSED).stderr


def test_the_demo_project_has_a_history(local: Instance) -> None:
    commits = run_json("log", "--project", "RQT")["commits"]
    assert len(commits) >= 8
    assert all(commit["message"] for commit in commits)
    text = run("diff", "4", "main", "--project", "RQT").stdout
    assert "{+, and keep both in the history+}" in text
    assert "\x1b[" not in text
    assert run_json("verify", "--project", "RQT")["ok"] is True
    assert "Everything agrees" in run("verify", "--project", "RQT").stdout


def test_the_demo_project_has_three_linked_levels(local: Instance) -> None:
    with local.client() as client:
        documents = client.get("/api/v1/projects/RQT/documents").json()["documents"]
        assert [document["title"] for document in documents] == [
            "Stakeholder needs",
            "System requirements",
            "Software requirements",
        ]
        total = 0
        for document in documents:
            rows = client.get(
                f"/api/v1/projects/RQT/documents/{document['id']}/rows", params={"limit": 5000}
            ).json()["rows"]
            total += len(rows)
            last = client.get(f"/api/v1/projects/RQT/items/{rows[-1]['item']['id']}/links").json()
            assert last["outgoing"] or last["incoming"]
        assert total >= 100


def _check_proof(path: Path, *project: str) -> None:
    """The sealed baseline is checked by a program that knows nothing of Reqtrail, and a changed byte is found."""
    for _ in range(100):
        seal = run_json("baseline", "list", *project)["baselines"][0]["seal"]
        if seal["state"] == "sealed":
            break
        time.sleep(0.2)
    run("baseline", "export", "Winter 1", "-o", str(path), *project)
    for changed, code in ((False, 0), (True, 1)):
        if changed:
            path.write_text(path.read_text(encoding="utf-8").replace("Snow one", "Snow two"))
        found = subprocess.run(
            [sys.executable, str(VERIFIER), str(path)], capture_output=True, text=True, check=False
        )
        assert found.returncode == code, found.stdout + found.stderr
        if not changed:
            assert "OK" in found.stdout


def test_a_branch_goes_its_way_and_comes_back(local: Instance, tmp_path: Path) -> None:
    project = ("--project", "RQT")
    assert run_json("branch", "create", "winter", *project)["base"] > 1
    with local.client() as client:
        root = "/api/v1/projects/RQT"
        document = client.get(f"{root}/documents").json()["documents"][0]
        rows = client.get(f"{root}/documents/{document['id']}/rows").json()["rows"]
        item = next(row["item"] for row in rows if row["item"]["attributes"])
        attribute = next(
            name for name, value in item["attributes"].items() if isinstance(value, str)
        )
        for branch, text in (("winter", "Snow one"), ("main", "Sun two")):
            client.patch(
                f"{root}/items/{item['id']}",
                params={"branch": branch},
                json={"attributes": {attribute: f"<div>{text}</div>"}, "message": text},
            ).raise_for_status()
    shown = run("branch", "update", "winter", *project, code=Exit.CONFLICT).stdout
    assert "Snow" in shown and "Sun" in shown and "1 to be chosen" in shown
    preview = run_json("branch", "update", "winter", *project, code=Exit.CONFLICT)
    assert [conflict["field_key"] for conflict in preview["conflicts"]] == [attribute]
    run("branch", "update", "winter", "--prefer", "ours", *project)
    merged = run_json("branch", "merge", "winter", *project)
    assert [change["id"] for change in merged["changes"]] == [item["id"]]
    made = run_json("baseline", "create", "Winter 1", "--at", "main", *project)
    assert made["seq"] == merged["ref"]["seq"]
    assert "Winter 1" in run("baseline", "list", *project).stdout
    _check_proof(tmp_path / "winter.json", *project)
    assert "winter is merged." in run("branch", "close", "winter", *project).stdout
    listed = {branch["name"]: branch for branch in run_json("branch", "list", *project)["branches"]}
    assert listed["winter"]["state"] == "merged" and listed["main"]["state"] == "open"
    assert "Winter 1" not in run("diff", "Winter 1", "main", *project).stdout
    assert (
        "ref_name_taken" in run("branch", "create", "WINTER", *project, code=Exit.CONFLICT).stderr
    )
    assert run_json("verify", *project)["ok"] is True


def test_a_large_merge_is_done_by_a_worker(local: Instance) -> None:
    """It is waited for, and told like a small one."""
    project = ("--project", "LRG")
    with local.client() as client:
        root = "/api/v1/projects/LRG"
        client.post("/api/v1/projects", json={"key": "LRG", "name": "L"}).raise_for_status()
        run("branch", "create", "autumn", *project)
        operations = [{"op": "create", "kind": "item", "fields": {}}] * LARGE
        answer = client.post(
            f"{root}/commits", params={"branch": "autumn"}, json={"operations": operations}
        )
        answer.raise_for_status()
    assert run_json("branch", "merge", "autumn", "--dry-run", *project)["large"]
    merged = run_json("branch", "merge", "autumn", *project)
    assert merged["job"]["kind"] == "versioning.merge"
    assert merged["job"]["result"]["changes"] == LARGE
    assert (merged["ref"]["branch"], merged["ref"]["head"]) == ("main", True)
    assert "autumn" in run("branch", "update", "autumn", *project).stdout


def test_refusals_carry_code_and_request(local: Instance) -> None:
    error = run("log", "--project", "NOPE", code=Exit.REFUSED).stderr
    assert "code project_not_found" in error
    assert "request " in error
    assert "ref_not_found" in run("diff", "999", "main", "-p", "RQT", code=Exit.REFUSED).stderr


def test_accounts_and_tokens(local: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    made = run_json("user", "add", "ada@example.org", "--name", "Ada")
    assert len(made["password"]) >= 12
    assert (
        "email_taken"
        in run("user", "add", "ada@example.org", "--name", "Ada", code=Exit.CONFLICT).stderr
    )
    assert "ada@example.org" in run("user", "list").stdout
    token = run("token", "create", "--name", "ci", "--days", "1").stdout.strip()
    monkeypatch.setenv("REQTRAIL_TOKEN", token)
    assert run_json("status")["user"]["is_administrator"] is True


def test_mails_of_the_local_sink(local: Instance) -> None:
    with local.client() as client:
        path = f"{local.url}/api/v1/invitations"
        assert client.post(path, json={"email": "guest@example.org"}).status_code == 201
    shown = run("mails", "--to", "Guest@example.org").stdout
    assert "The local sink keeps these mails" in shown
    assert f"{local.url}/invitation#" in shown
    answer = run_json("mails", "--to", "nobody@example.org")
    assert answer == {"local_sink": True, "mails": []}


def test_the_administrator_gets_back_in(local: Instance) -> None:
    before = local.credentials()
    password = run_json("user", "reset-password", before["email"])["password"]
    after = local.credentials()
    assert (after["password"], after["token"] != before["token"]) == (password, True)
    assert "is ready" in run("status").stdout
    assert (
        "user_not_found"
        in run("user", "reset-password", "nobody@example.org", code=Exit.REFUSED).stderr
    )


@pytest.mark.skipif(
    find_spec("reqtrail.features.exchange.endpoints") is None,
    reason="this build has no exchange over HTTP",
)
def test_import_and_export(local: Instance, tmp_path: Path) -> None:
    dry = run_json("import", str(SAMPLE), "--project", "SMALL", "--dry-run")
    assert dry["commit"] is None
    assert (dry["documents"], dry["items"], dry["placements"], dry["links"]) == (1, 4, 4, 1)
    done = run_json("import", str(SAMPLE), "--project", "SMALL")
    assert done["items"] == 4
    assert done["commit"]["seq"] >= 2
    output = tmp_path / "out.reqif"
    run("export", "--project", "SMALL", "-o", str(output))
    content = output.read_text()
    assert "SAMPLE-REQ-1" in content
    assert "within 50 m" in content
    assert run_json("verify", "--project", "SMALL")["ok"] is True
    assert not list(tmp_path.glob(".*.part"))


def test_keys_are_listed_and_rotated_beside_a_running_instance(local: Instance) -> None:
    before = run_json("keys", "list")
    done = run_json("keys", "rotate", "--new-master", "--renew")
    assert done["unreadable"] == 0
    after = run_json("keys", "list")
    assert after[0] == {**after[0], "master_id": done["master_id"], "active": True, "known": True}
    assert [use["master_id"] for use in after[1:]] == [use["master_id"] for use in before]
    assert all(use["wraps"] == 0 for use in after[1:])
    assert len(run("keys", "make").stdout.strip()) == 44
    refused = CliRunner().invoke(
        app,
        ["keys", "rotate", "--new-master"],
        env={"REQTRAIL_MASTER_KEYS": (local.home / "master.keys").read_text().replace("\n", ",")},
    )
    assert refused.exit_code == 4 and "REQTRAIL_MASTER_KEYS" in refused.stderr
    assert run_json("status")["health"]["status"] == "ok"


def test_the_signing_key_is_replaced_while_people_work(local: Instance) -> None:
    stored = local.credentials()
    body = {"email": stored["email"], "password": stored["password"]}
    with httpx.Client(base_url=local.url) as browser:
        token = browser.post("/api/v1/auth/sign-in", json=body).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        made = run_json("keys", "rotate-signing")
        assert made["revoked"] is False
        _until_signs(browser, made["kid"])
        assert browser.get("/api/v1/me", headers=headers).status_code == 200
        said = run("keys", "rotate-signing", "--revoke").stdout
        _until_signs(browser, said.split()[5].rstrip("."))
        assert browser.get("/api/v1/me", headers=headers).status_code == 401
        fresh = browser.post("/api/v1/auth/refresh").json()["access_token"]
        headers = {"Authorization": f"Bearer {fresh}"}
        assert browser.get("/api/v1/me", headers=headers).status_code == 200


def _until_signs(browser: httpx.Client, kid: str) -> None:
    """Wait until the running process signs with the key *kid*."""
    deadline = time.monotonic() + 30
    while browser.get("/.well-known/jwks.json").json()["keys"][0]["kid"] != kid:
        assert time.monotonic() < deadline
        time.sleep(0.05)
