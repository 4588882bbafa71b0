"""The rules for source files hold, and each finds a planted violation: a check that cannot fail proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture import source_rules as rules

ROOT = Path(__file__).resolve().parents[3]
ADDRESS = "https://" + "neutral.example"
"""Planted where a lock must hold none."""
FEATURES = "backend/src/reqtrail/features"
Rule = Callable[[Path], list[str]]


@pytest.mark.parametrize(
    "rule",
    [
        rules.long_files,
        rules.long_functions,
        rules.commits_outside_platform,
        rules.side_doors,
        rules.hidden_imports,
        rules.clocks_and_ids,
        rules.unequal_features,
        rules.uncontracted_features,
        rules.addresses_in_locks,
    ],
    ids=lambda rule: rule.__name__,
)
def test_the_rule_holds(rule: Rule) -> None:
    assert rule(ROOT) == []


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone in miniature that keeps every rule."""
    for name in (*rules.BROWSER_ONLY, "identity"):
        _write(tmp_path, f"frontend/src/features/{name}/index.ts", "export {}\n")
    for name in (*rules.BACKEND_ONLY, "identity"):
        _write(tmp_path, f"{FEATURES}/{name}/public.py", '"""The front door."""\n')
        _write(tmp_path, f"{FEATURES}/{name}/service.py", '"""Inside."""\n')
    listed = "\n".join(
        f"    reqtrail.features.{name}" for name in (*rules.BACKEND_ONLY, "identity")
    )
    contract = f"[importlinter:contract:inside]\ncontainers =\n{listed}\nlayers =\n    service\n"
    _write(tmp_path, "backend/.importlinter", contract)
    _write(tmp_path, "backend/requirements.lock", "orjson==3.13.0 \\\n    --hash=sha256:0\n")
    _write(tmp_path, "frontend/package-lock.json", '{"node_modules/vue": {"integrity": "x"}}\n')
    return tmp_path


def _write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_miniature_keeps_every_rule(clone: Path) -> None:
    for name in dir(rules):
        rule = getattr(rules, name)
        if getattr(rule, "__annotations__", {}).get("return") == "list[str]":
            assert rule(clone) == [], name


@pytest.mark.parametrize(
    ("rule", "file", "text", "finding"),
    [
        (rules.long_files, "backend/src/reqtrail/x.py", "a = 1\n" * 401, "x.py: 401 lines"),
        (rules.long_files, "frontend/src/app/X.vue", "<!-- -->\n" * 401, "X.vue: 401 lines"),
        (rules.long_files, "frontend/e2e/x.spec.ts", "//\n" * 401, "x.spec.ts: 401 lines"),
        (
            rules.long_functions,
            "backend/tests/test_x.py",
            "async def f():\n" + "    a = 1\n" * 60,
            "test_x.py: f has 61 lines",
        ),
        (
            rules.commits_outside_platform,
            f"{FEATURES}/identity/service.py",
            "async def save(session):\n    await session.commit()\n",
            "service.py:2: session.commit()",
        ),
        (
            rules.side_doors,
            f"{FEATURES}/files/service.py",
            "from reqtrail.features.identity.service import find\n",
            "service.py:1: imports reqtrail.features.identity.service.find",
        ),
        (
            rules.side_doors,
            f"{FEATURES}/files/service.py",
            "from ..identity import service\n",
            "service.py:1: imports reqtrail.features.identity.service",
        ),
        (
            rules.side_doors,
            "backend/src/reqtrail/api/router.py",
            "from reqtrail.features.files import repository\n",
            "router.py:1: imports reqtrail.features.files.repository",
        ),
        (
            rules.hidden_imports,
            f"{FEATURES}/files/service.py",
            "def f():\n    from reqtrail.kit import ids\n",
            "service.py:2: from reqtrail.kit import ids",
        ),
        (
            rules.clocks_and_ids,
            f"{FEATURES}/files/service.py",
            "from datetime import datetime\nnow = datetime.now()\n",
            "service.py:2: datetime.now()",
        ),
        (
            rules.clocks_and_ids,
            f"{FEATURES}/files/service.py",
            "from uuid import uuid4\nfresh = uuid4()\n",
            "service.py:2: uuid4()",
        ),
        (
            rules.unequal_features,
            f"{FEATURES}/reviews/public.py",
            "",
            "only in the backend: reviews",
        ),
        (
            rules.unequal_features,
            "frontend/src/features/reviews/index.ts",
            "",
            "only in the browser: reviews",
        ),
        (
            rules.unequal_features,
            "frontend/src/features/files/index.ts",
            "",
            "no exception any more: files",
        ),
        (rules.uncontracted_features, f"{FEATURES}/reviews/public.py", "", "reviews"),
        (
            rules.addresses_in_locks,
            "frontend/package-lock.json",
            f'{{\n"resolved": "{ADDRESS}/vue.tgz"\n}}\n',
            f'package-lock.json:2: "resolved": "{ADDRESS}/vue.tgz"',
        ),
        (
            rules.addresses_in_locks,
            "backend/requirements.lock",
            f"--index-url {ADDRESS}/simple\n",
            f"requirements.lock:1: --index-url {ADDRESS}/simple",
        ),
    ],
)
def test_a_planted_violation_is_found(
    clone: Path, rule: Rule, file: str, text: str, finding: str
) -> None:
    _write(clone, file, text)
    found = rule(clone)
    assert len(found) == 1
    assert found[0].endswith(finding)
