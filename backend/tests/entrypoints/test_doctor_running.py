"""``reqtrail doctor`` beside a running instance: all is well, and what is planted in it is found."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest

from reqtrail.platform.database.migrate import sync_url
from tests.fixtures.doctor import Site
from tests.fixtures.instance import Instance, free_port, running_instance

PAGE = '<!doctype html><script type="module" src="/assets/app.js"></script>'


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built browser application, as small as one can be."""
    folder = tmp_path_factory.mktemp("browser")
    (folder / "assets").mkdir()
    (folder / "assets" / "app.js").write_text("1;")
    (folder / "index.html").write_text(PAGE)
    return folder


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory, browser: Path) -> Iterator[Instance]:
    """One instance for the tests of this module."""
    home = tmp_path_factory.mktemp("doctor") / "home"
    with running_instance(home, demo=False, static_dir=str(browser)) as running:
        running.pids("worker")
        yield running


@pytest.fixture
def beside(instance: Instance, browser: Path) -> Site:
    """Somebody who works beside the instance's home, and knows no more than where that is."""
    stored = json.loads((instance.home / "credentials.json").read_text())
    keys = [(instance.home / name).read_text().strip() for name in ("secret.key", "master.keys")]
    environment = {"REQTRAIL_HOME": str(instance.home), "REQTRAIL_STATIC_DIR": str(browser)}
    return Site(environment, [stored["password"], stored["token"], *keys])


def test_a_healthy_instance(beside: Site) -> None:
    found = beside.look()
    found.pop("disk")  # that of whoever runs the tests
    bad = [one for findings in found.values() for one in findings if one["outcome"] != "ok"]
    assert bad == []
    assert found["processes"][0]["details"] == {
        "api_processes": 1,
        "worker_processes": 1,
        "scheduler_processes": 1,
    }
    assert found["keys.signing"][0]["message"].startswith("The key that signs access tokens can")
    said = beside.run(code=0).stdout
    assert " 0 failed." in said


def test_a_database_that_changed_under_the_server(beside: Site, instance: Instance) -> None:
    url = json.loads((instance.home / "runtime.json").read_text())["database_url"]
    plain = sync_url(url).replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        (before,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or (
            "",
        )
        connection.execute("UPDATE alembic_version SET version_num = 'planted'")
        try:
            found = beside.look()
        finally:
            connection.execute("UPDATE alembic_version SET version_num = %s", (before,))
    assert [one["code"] for one in found["database.migrations"]] == ["schema_new"]
    assert [one["code"] for one in found["server"]] == ["server_not_ready"]
    assert "not migrated" in found["server"][0]["message"]
    assert [one["code"] for one in found["browser.served"]] == ["not_checked"]


def test_a_server_whose_redis_stands_still(beside: Site, instance: Instance) -> None:
    pid = int((instance.home / "valkey" / "valkey.pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        found = beside.look("--timeout", "10")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert [one["code"] for one in found["redis"]] == ["redis_unreachable"]
    assert [one["code"] for one in found["server"]] == ["server_without_redis"]
    assert {one["outcome"] for one in found["database"]} == {"ok"}


def test_an_asset_that_is_gone(beside: Site, browser: Path) -> None:
    asset = browser / "assets" / "app.js"
    asset.rename(browser / "away")
    try:
        found = beside.look()
    finally:
        (browser / "away").rename(asset)
    assert [one["code"] for one in found["browser"]] == ["browser_incomplete"]
    assert found["browser"][0]["details"]["missing"] == ["assets/app.js"]
    assert [one["code"] for one in found["browser.served"]] == ["browser_broken"]


def test_processes_that_are_gone(beside: Site, instance: Instance, tmp_path: Path) -> None:
    runtime = json.loads((instance.home / "runtime.json").read_text())
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    told = home / "runtime.json"
    told.touch(mode=0o600)
    told.write_text(json.dumps({**runtime, "worker_pids": [2**22 + 1]}))
    found = beside.look(home=str(home))["processes"]
    assert [(one["code"], one["outcome"]) for one in found] == [("process_gone", "warning")]
    assert "worker" in found[0]["message"]
    told.write_text(json.dumps({**runtime, "pid": 2**22 + 1}))
    assert beside.finds("processes", home=str(home)) == {"supervisor_gone": "failed"}
    told.write_text("no JSON")
    assert beside.finds("processes", home=str(home)) == {"ok": "ok"}


def test_a_supervisor_that_was_killed(tmp_path: Path, browser: Path) -> None:
    home = tmp_path / "home"
    environment = {"REQTRAIL_HOME": str(home), "REQTRAIL_STATIC_DIR": str(browser)}
    with running_instance(home, demo=False) as killed:
        killed.process.kill()
        killed.process.wait()
        assert Site(environment).finds("processes") == {"supervisor_gone": "failed"}
        with running_instance(home, demo=False, port=str(killed.port)):
            pass
    assert Site(environment).finds("processes") == {"ok": "ok"}


def test_no_server_answers(site: Site, beside: Site) -> None:
    port = str(free_port())
    found = site.look(port=port)
    assert [(one["code"], one["outcome"]) for one in found["server"]] == [
        ("server_unreachable", "warning")
    ]
    assert [one["code"] for one in found["browser.served"]] == ["not_checked"]
    # Who names an address, or has an instance that runs, expects an answer.
    expected = {"server_unreachable": "failed"}
    beside.hidden.append("hunter22")
    assert beside.finds("server", url=f"http://ada:hunter22@127.0.0.1:{port}") == expected
    for url in ("here", "http://[::1"):
        assert beside.finds("server", url=url) == {"server_url_invalid": "failed"}


@contextmanager
def _stranger(answers: dict[str, bytes]) -> Iterator[str]:
    """Yield the address of a server that is not Reqtrail; it answers 404 to what it does not know."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 - the name that the library looks for
            body = answers.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()


def test_what_answers_is_something_else(site: Site) -> None:
    with _stranger({"/api/v1/health/ready": b"hello"}) as url:
        assert site.finds("server", url=url) == {"server_foreign": "failed"}


def test_a_server_without_the_browser_application(site: Site) -> None:
    ready = json.dumps({"status": "ok", "database": "ok", "redis": "ok"}).encode()
    with _stranger({"/api/v1/health/ready": ready}) as url:
        found = site.look(url=url)
    assert [one["code"] for one in found["server"]] == ["ok"]
    assert [one["code"] for one in found["browser.served"]] == ["browser_not_served"]


def test_a_browser_application_that_is_not_there(site: Site, tmp_path: Path) -> None:
    assert site.finds("browser", static_dir=str(tmp_path)) == {"browser_missing": "failed"}
    (tmp_path / "index.html").write_text(PAGE)
    assert site.finds("browser", static_dir=str(tmp_path)) == {"browser_incomplete": "failed"}
