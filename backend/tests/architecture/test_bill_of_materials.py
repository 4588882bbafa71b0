"""The bill of materials names everything that is asked for by name: a release must not be the first to try it."""

import json
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]


def names(side: str) -> set[str]:
    listed = json.loads((ROOT / f"dist/sbom-{side}.json").read_text())["components"]
    return {
        f"{part['group']}/{part['name']}" if part.get("group") else part["name"] for part in listed
    }


def test_both_sides_are_listed() -> None:
    done = subprocess.run(
        [ROOT / "scripts/sbom.sh"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Warning" not in done.stderr
    application = json.loads((ROOT / "frontend/package.json").read_text())
    assert set(application["dependencies"]) <= names("frontend")
    assert not {"vitest", "eslint"} & names("frontend")
    lines = (ROOT / "backend/requirements.in").read_text().splitlines()
    asked = {
        re.split(r"[\[<>=~; ]", line)[0] for line in lines if line and not line.startswith("#")
    }
    assert "fastapi" in asked
    assert asked <= {name.lower() for name in names("backend")}
