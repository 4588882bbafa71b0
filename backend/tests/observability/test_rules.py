"""The alert rules and the dashboard: all they ask for is exported, and each alert is whole, tested and described."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from reqtrail.platform import metrics
from tests.fixtures.api import World
from tests.observability import rules

ROOT = Path(__file__).resolve().parents[3]
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


def names_of(registry: CollectorRegistry) -> dict[str, set[str]]:
    """Return the names of the samples that a scrape shows or will show, with their labels."""
    # A family without samples yet tells no labels of its own; the objects that make them do.
    declared = {
        family.name: set(one._labelnames)
        for one in vars(metrics).values()
        if isinstance(one, MetricWrapperBase)
        for family in one.describe()
    }
    found: dict[str, set[str]] = {"up": set()}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for suffix in SUFFIXES[family.type]:
            extra = {"le"} if suffix == "_bucket" else set()
            found[family.name + suffix] = declared.get(family.name, set()) | extra
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, set()) | set(sample.labels)
    return found


@pytest.fixture
async def exported(world: World) -> dict[str, set[str]]:
    """What the application exports once it has answered something."""
    await world.anonymous().get("/health/ready")
    return names_of(metrics.registry)


@pytest.mark.anyio
async def test_alerts_ask_for_what_is_exported(exported: dict[str, set[str]]) -> None:
    unknown = {
        rule["alert"]: rules.unknown_names(rule["expr"], exported) for rule in rules.alerts()
    }
    assert not {name: found for name, found in unknown.items() if found}


@pytest.mark.anyio
async def test_the_dashboard_asks_for_what_is_exported(exported: dict[str, set[str]]) -> None:
    unknown = {name: rules.unknown_names(one, exported) for name, one in rules.shown().items()}
    for name, (expression, label) in rules.offered().items():
        unknown[name] = rules.unknown_names(expression, exported)
        (metric,) = rules.metrics_of(expression)
        assert label in exported[metric] | rules.ADDED
    assert not {name: found for name, found in unknown.items() if found}


@pytest.mark.anyio
async def test_every_metric_of_the_product_is_shown(exported: dict[str, set[str]]) -> None:
    """What the product counts has a panel: a new metric that nobody sees is of no use."""
    shown = set().union(*(rules.metrics_of(one) for one in rules.shown().values()))
    families = {
        re.sub(r"_(total|bucket|count|sum|created)$", "", name)
        for name in exported
        if name.startswith("reqtrail_")
    }
    unseen = [one for one in families if not any(name.startswith(one) for name in shown)]
    assert not unseen


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("rate(http_requests_total[5m]) > 1", ["no metric http_requests_total"]),
        ('sum by (le) (jobs{queue="a"}) / depth > 2', ["no metric depth"]),
        ('jobs{line="a"}', ["jobs has no label line"]),
        ("sum by (who) (jobs offset 5m)", ["grouping has no label who"]),
        ("jobs unless on (person) jobs", ["grouping has no label person"]),
        ('max by (queue, instance) (increase(jobs{job="reqtrail", queue!~"a|b"}[5m])) == 1e3', []),
    ],
)
def test_planted_names_are_found(expression: str, names: list[str]) -> None:
    assert rules.unknown_names(expression, {"jobs": {"queue", "le"}}) == names


def test_each_alert_is_whole() -> None:
    pages = {path: path.read_text() for path in (ROOT / "docs").glob("*.md")}
    for rule in rules.alerts():
        name = rule["alert"]
        assert re.fullmatch(r"[1-9]\d*m", rule["for"]), name
        assert set(rule["labels"]) == {"severity"}, name
        assert rule["labels"]["severity"] in {"critical", "warning"}, name
        notes = rule["annotations"]
        assert set(notes) == {"summary", "description", "runbook"}, name
        assert 20 < len(notes["summary"]) < 140 and not notes["summary"].endswith("."), name
        assert 60 < len(notes["description"]) < 400 and notes["description"].endswith("."), name
        page, _, anchor = notes["runbook"].partition("#")
        headings = re.findall(r"^#+ (.+)$", pages[ROOT / page], re.MULTILINE)
        assert anchor in {heading.lower().replace(" ", "-") for heading in headings}, name


def test_each_alert_is_tested_both_ways() -> None:
    names = [rule["alert"] for rule in rules.alerts()]
    assert len(set(names)) == len(names)
    fires = {test["alertname"] for test in rules.alert_tests() if test["exp_alerts"]}
    silent = {test["alertname"] for test in rules.alert_tests() if not test["exp_alerts"]}
    assert fires == silent == set(names)


def test_the_operations_guide_says_what_to_do_about_each_alert() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    told = re.findall(r"^\| `(Reqtrail\w+)` \|", text, re.MULTILINE)
    assert sorted(told) == sorted(rule["alert"] for rule in rules.alerts())


def test_operations_that_alerts_name_exist() -> None:
    content = json.loads((ROOT / "frontend" / "openapi.json").read_text())
    operations = {
        one["operationId"]
        for path in content["paths"].values()
        for one in path.values()
        if "operationId" in one
    }
    for rule in rules.alerts():
        for _, pattern in re.findall(r'operation(=|!~|=~)"([^"]+)"', rule["expr"]):
            for part in pattern.split("|"):
                assert any(re.fullmatch(part, one) for one in operations), (rule["alert"], part)


def test_the_dashboard_can_be_imported_anywhere() -> None:
    text = rules.DASHBOARD.read_text()
    assert "://" not in text
    content = json.loads(text)
    assert content["id"] is None and content["uid"] and content["schemaVersion"] >= 36
    assert rules.variables()["datasource"]["type"] == "datasource"
    ids = [panel["id"] for panel in content["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in rules.panels():
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert all(one["uid"] == "${datasource}" for one in sources), panel["title"]
        assert panel["title"] and panel["description"].endswith("."), panel["title"]


def test_panels_lie_beside_each_other() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in json.loads(rules.DASHBOARD.read_text())["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, f"{panel['title']} covers {taken[x, y]}"
                taken[x, y] = panel["title"]
