"""The rules for the documentation hold, and each finds a planted violation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reqtrail.platform.settings import Settings
from tests.architecture import docs_rules as rules

ROOT = Path(__file__).resolve().parents[3]
Rule = Callable[[Path], list[str]]
RECORD = "# 0001: One\n\n## Context\na\n\n## Decision\nb\n\n## Consequences\nc\n"
RULES: list[Rule] = [
    rules.broken_links,
    rules.unreachable_pages,
    rules.odd_decisions,
    rules.unnamed_targets,
    rules.undescribed_settings,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_holds(rule: Rule) -> None:
    assert rule(ROOT) == []


def _write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone in miniature that keeps every rule."""
    names = " ".join(f"REQTRAIL_{name.upper()}" for name in Settings.model_fields)
    _write(tmp_path, "Makefile", "run: build ## Run it\n\trun\n")
    _write(tmp_path, "CONTRIBUTING.md", "`make run` runs it.\n")
    _write(tmp_path, "docs/index.md", "[a](operations.md) [b](decisions/README.md#x)\n")
    _write(tmp_path, "docs/operations.md", f"{names} [c](https://example.org/none.md)\n")
    _write(tmp_path, "docs/decisions/README.md", "[0001: One](0001-one.md)\n")
    _write(tmp_path, "docs/decisions/0001-one.md", RECORD)
    return tmp_path


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_miniature_keeps_the_rule(clone: Path, rule: Rule) -> None:
    assert rule(clone) == []


@pytest.mark.parametrize(
    ("rule", "file", "text", "finding"),
    [
        (rules.broken_links, "README.md", "[x](docs/none.md)", "README.md: docs/none.md"),
        (rules.unreachable_pages, "docs/user/lost.md", "", "docs/user/lost.md"),
        (
            rules.odd_decisions,
            "docs/decisions/0001-one.md",
            RECORD.replace("Context", "Why"),
            "0001-one.md: its sections are not Context, Decision, Consequences",
        ),
        (
            rules.odd_decisions,
            "docs/decisions/0001-one.md",
            RECORD.replace("One", "Two"),
            "0001-one.md: not in the list",
        ),
        (
            rules.odd_decisions,
            "docs/decisions/0001-one.md",
            RECORD.replace("# 0001: One", "# 1. One"),
            "0001-one.md: the title begins with '1. One'",
        ),
        (rules.unnamed_targets, "Makefile", "run-it: ## Run it\n", "run-it"),
        (rules.undescribed_settings, "docs/operations.md", "REQTRAIL_NO_SUCH", "no_such"),
        (rules.undescribed_settings, "docs/operations.md", "", "home"),
    ],
)
def test_a_planted_violation_is_found(
    clone: Path, rule: Rule, file: str, text: str, finding: str
) -> None:
    _write(clone, file, text)
    assert finding in rule(clone)
