"""The import contracts hold, and each finds a planted import."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BACKEND = Path(__file__).resolve().parents[2]
LAYERS = "Layers: entrypoints > api, bootstrap > features > platform > kit"
FEATURES = "Features, bottom to top"
INSIDE = "Inside a feature: endpoints, public > deps, tasks > service > repository"
ROUTES = "Routes do not query"
NO_HTTP = "Services and repositories know no HTTP"
PURE_KIT = "The kit is pure"


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src"), "COLUMNS": "400", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package and of its contracts."""
    folder = tmp_path_factory.mktemp("contracts")
    ignored = shutil.ignore_patterns("__pycache__", "*.json")
    shutil.copytree(BACKEND / "src", folder / "src", ignore=ignored)
    shutil.copy(BACKEND / ".importlinter", folder)
    return folder


def test_all_contracts_are_kept(clean: Path) -> None:
    done = _lint(clean)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("kit/ids.py", "from reqtrail.platform import settings", LAYERS),
        ("platform/cache.py", "from reqtrail.features.files import public", LAYERS),
        ("api/health.py", "from reqtrail.entrypoints import web", LAYERS),
        ("helpers.py", "", LAYERS),
        ("features/identity/service/tokens.py", "import reqtrail.features.access.public", FEATURES),
        ("features/versioning/merge.py", "import reqtrail.features.requirements.public", FEATURES),
        ("features/unplaced/__init__.py", "", FEATURES),
        ("features/access/repository.py", "from reqtrail.features.access import service", INSIDE),
        (
            "features/projects/service.py",
            "from reqtrail.features.projects import endpoints",
            INSIDE,
        ),
        ("features/files/utils.py", "", INSIDE),
        ("features/access/endpoints.py", "from reqtrail.features.access import repository", ROUTES),
        ("features/files/service.py", "import fastapi", NO_HTTP),
        ("features/access/types.py", "from starlette import requests", NO_HTTP),
        ("kit/rank.py", "import sqlalchemy", PURE_KIT),
    ],
)
def test_a_planted_import_is_found(clean: Path, file: str, line: str, contract: str) -> None:
    path = clean / "src" / "reqtrail" / file
    before = path.read_text() if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{before or ''}\n{line}\n")
    try:
        done = _lint(clean)
    finally:
        if before is None:
            path.unlink()
            if path.name == "__init__.py":
                shutil.rmtree(path.parent)
        else:
            path.write_text(before)
    assert done.returncode == 1, done.stdout + done.stderr
    broken = [text for text in done.stdout.splitlines() if text.endswith("BROKEN")]
    assert any(text.startswith(contract) for text in broken), done.stdout
