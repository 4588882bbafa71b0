"""What a real Prometheus makes of the alert rules, the dashboard and a running instance."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped]

from tests.fixtures.engines import Engines
from tests.fixtures.instance import (
    consecutive_ports,
    end_with_parent,
    free_port,
    running_instance,
)
from tests.observability import rules

LIMIT_SECONDS = 90.0


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name}: scripts/ensure_prometheus.sh gets it")
    return found


def _promtool(*arguments: str, folder: Path = rules.FOLDER) -> subprocess.CompletedProcess[str]:
    command = (_program("promtool"), *arguments)
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


def test_prometheus_takes_the_rules() -> None:
    done = _promtool("check", "rules", rules.ALERTS.name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules.alerts())} rules found" in done.stdout


def test_alerts_fire_when_they_should_and_not_else() -> None:
    done = _promtool("test", "rules", rules.ALERTS_TEST.name)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "change",
    [{"expr": "vector(0) > 1"}, {"for": "0m"}, {"labels": {"severity": "none"}}],
    ids=["never", "at once", "severity"],
)
def test_a_wrong_rule_fails_its_test(tmp_path: Path, change: dict[str, Any]) -> None:
    content = yaml.safe_load(rules.ALERTS.read_text())
    content["groups"][0]["rules"][0].update(change)
    (tmp_path / rules.ALERTS.name).write_text(yaml.safe_dump(content))
    shutil.copy(rules.ALERTS_TEST, tmp_path)
    assert _promtool("test", "rules", rules.ALERTS_TEST.name, folder=tmp_path).returncode != 0


def test_prometheus_takes_what_the_dashboard_asks(tmp_path: Path) -> None:
    recorded = [
        {"record": f"panel:{n}", "expr": one} for n, one in enumerate(rules.shown().values())
    ]
    content = {"groups": [{"name": "dashboard", "rules": recorded}]}
    (tmp_path / "dashboard.yaml").write_text(yaml.safe_dump(content))
    done = _promtool("check", "rules", "dashboard.yaml", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self._url = url
        self._process = process
        self._log = log

    def get(self, path: str, **params: str) -> Any:
        """Return the data of an answer of its API; None while it does not answer yet."""
        assert self._process.poll() is None, self._log.read_text()
        try:
            answer = httpx.get(f"{self._url}/api/v1/{path}", params=params, timeout=10)
        except httpx.TransportError:
            return None
        if answer.status_code == 503:  # it reads its storage
            return None
        content = answer.json()
        assert content["status"] == "success", content
        return content["data"]

    def values(self, expression: str) -> list[float]:
        """Return the values of an expression now."""
        data = self.get("query", query=expression)
        return [float(one["value"][1]) for one in data["result"]] if data else []

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition.

        Raises:
            AssertionError: If it does not hold within LIMIT_SECONDS.
        """
        deadline = time.monotonic() + LIMIT_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"not in time: {what}\n{self._log.read_text()}"
            time.sleep(0.2)


@contextmanager
def running_prometheus(folder: Path, ports: list[int]) -> Iterator[Prometheus]:
    """Start a Prometheus that keeps all it has in *folder* and scrapes *ports* of the loopback address."""
    folder.mkdir()
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules.ALERTS)],
        "scrape_configs": [
            {
                "job_name": "reqtrail",
                "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}],
            }
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    address, log = f"127.0.0.1:{free_port()}", folder / "log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            (
                _program("prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={address}",
            ),
            cwd=folder,
            stdout=sink,
            stderr=subprocess.STDOUT,
            preexec_fn=end_with_parent(),
        )
    try:
        yield Prometheus(f"http://{address}", process, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_prometheus_watches_a_running_instance(
    tmp_path: Path, engines: Engines, worker: str, redis_url: str
) -> None:
    """It reaches an API process and a worker, knows what they did, is content, and notices their end."""
    _program("prometheus")
    ports = consecutive_ports(2)
    settings = {
        "database_url": engines.clone(f"watched_{worker}"),
        "redis_url": redis_url,
        "metrics_port": str(ports[0]),
    }
    with running_prometheus(tmp_path / "prometheus", ports) as prometheus:
        with running_instance(tmp_path / "home", demo=False, **settings) as instance:
            with instance.client() as client:
                assert client.get("/api/v1/projects").status_code == 200
            prometheus.until(
                lambda: prometheus.values('up{job="reqtrail"}') == [1, 1], "both targets are up"
            )
            targets = prometheus.get("targets")["activeTargets"]
            assert {one["health"] for one in targets} == {"up"}, json.dumps(targets)
            # The worker tells of its queues as soon as it has looked.
            for expression in (
                'reqtrail_http_requests_total{operation="list_projects",status="200"} == 1',
                'reqtrail_http_request_seconds_bucket{operation="list_projects",le="+Inf"} == 1',
                'sum by (state) (reqtrail_database_connections{state="idle"}) >= 1',
                'reqtrail_circuit_open{dependency="redis"} == 0',
                'reqtrail_queue_length{queue="exchange.import"} == 0',
                'reqtrail_queue_age_seconds{queue="mails"} == 0',
                'process_open_fds{job="reqtrail"} > 0',
            ):

                def is_there(asked: str = expression) -> bool:
                    return bool(prometheus.values(asked))

                prometheus.until(is_there, expression)
            for name, expression in rules.shown().items():
                assert prometheus.get("query", query=expression) is not None, name
            _is_content(prometheus)
        prometheus.until(lambda: _state(prometheus, "ReqtrailProcessDown") == "pending", "its end")


def _rules(prometheus: Prometheus) -> dict[str, dict[str, Any]]:
    groups = prometheus.get("rules")["groups"]
    return {rule["name"]: rule for group in groups for rule in group["rules"]}


def _state(prometheus: Prometheus, name: str) -> str:
    return str(_rules(prometheus)[name]["state"])


def _is_content(prometheus: Prometheus) -> None:
    """Assert that every alert is evaluated without an error, and that none is about to fire."""
    wanted = {rule["alert"] for rule in rules.alerts()}

    def settled() -> bool:
        found = _rules(prometheus)
        assert {one["health"] for one in found.values()} <= {"ok", "unknown"}, found
        return found.keys() == wanted and all(
            one["health"] == "ok" and one["state"] == "inactive" for one in found.values()
        )

    prometheus.until(settled, "every alert is inactive")
