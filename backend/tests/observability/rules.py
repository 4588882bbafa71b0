"""What alert rules and a dashboard ask Prometheus for, as functions that read it from their files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

FOLDER: Final = Path(__file__).resolve().parents[3] / "deploy" / "observability"
ALERTS: Final = FOLDER / "alerts.yaml"
ALERTS_TEST: Final = FOLDER / "alerts_test.yaml"
DASHBOARD: Final = FOLDER / "dashboard.json"

ADDED: Final = {"instance", "job"}
"""Labels that Prometheus itself adds to what it scrapes."""

_WORDS: Final = {"and", "or", "unless", "on", "ignoring", "by", "without", "offset", "bool"}
_TEXT: Final = re.compile(r"\"[^\"]*\"")
_LABELS: Final = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
_SELECTOR: Final = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
_NAME: Final = re.compile(r"(?<![\w$:.])[a-zA-Z_:][\w:]*(?![\w:]*\s*\()")
_LABEL_VALUES: Final = re.compile(r"label_values\((.*),\s*(\w+)\s*\)$")


def alerts() -> list[dict[str, Any]]:
    """Return the alert rules."""
    content = yaml.safe_load(ALERTS.read_text())
    return [rule for group in content["groups"] for rule in group["rules"]]


def alert_tests() -> list[dict[str, Any]]:
    """Return the tests of alerts, of all their groups."""
    content = yaml.safe_load(ALERTS_TEST.read_text())
    return [test for group in content["tests"] for test in group["alert_rule_test"]]


def panels() -> list[dict[str, Any]]:
    """Return the panels of the dashboard that show something."""
    content = json.loads(DASHBOARD.read_text())
    return [panel for panel in content["panels"] if panel["type"] != "row"]


def variables() -> dict[str, dict[str, Any]]:
    """Return the variables of the dashboard, by name."""
    content = json.loads(DASHBOARD.read_text())
    return {one["name"]: one for one in content["templating"]["list"]}


def shown() -> dict[str, str]:
    """Return the expressions of the dashboard as PromQL, by panel and letter: Grafana's variables have values."""
    return {
        f"{panel['title']} {target['refId']}": target["expr"]
        .replace("$__rate_interval", "5m")
        .replace("$job", "reqtrail")
        .replace("$operation", ".*")
        for panel in panels()
        for target in panel["targets"]
    }


def offered() -> dict[str, tuple[str, str]]:
    """Return what variables of the dashboard list: by name, an expression and the label whose values are listed."""
    found = {}
    for name, variable in variables().items():
        if variable["type"] == "query":
            match = _LABEL_VALUES.match(variable["query"]["query"])
            assert match, f"{name}: {variable['query']}"
            found[name] = (match[1], match[2])
    return found


def metrics_of(expression: str) -> set[str]:
    """Return the names of the metrics in an expression: the names that are no functions, words or labels."""
    bare = _LABELS.sub(" ", _TEXT.sub("", expression))
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\boffset\s+\w+", " ", bare)
    return {name for name in _NAME.findall(bare) if name not in _WORDS}


def labels_of(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each metric that is selected by labels, with these; grouping labels come with an empty name."""
    for name, matchers in _SELECTOR.findall(expression):
        yield name, set(re.findall(r"(\w+)\s*[=!]", _TEXT.sub("", matchers)))
    for names in _LABELS.findall(expression):
        yield "", {name.strip() for name in names.split(",") if name.strip()}


def unknown_names(expression: str, exported: dict[str, set[str]]) -> list[str]:
    """Name the metrics and labels of an expression that nobody exports.

    Args:
        exported: The labels of each metric that is exported, by its name.
    """
    found = [f"no metric {name}" for name in metrics_of(expression) - exported.keys()]
    used = [exported[name] for name in metrics_of(expression) & exported.keys()]
    anywhere = set().union(*used, ADDED)
    for name, labels in labels_of(expression):
        known = exported.get(name, set()) | ADDED if name else anywhere
        found += [f"{name or 'grouping'} has no label {label}" for label in labels - known]
    return sorted(found)
