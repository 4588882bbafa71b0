#!/usr/bin/env bash
# Writes what Reqtrail is made of, as CycloneDX, from the locks alone: what is installed here plays no part.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p dist
PYTHONWARNINGS=ignore::UserWarning .venv/bin/cyclonedx-py requirements --output-reproducible --output-format JSON --pyproject backend/pyproject.toml \
  --output-file dist/sbom-backend.json backend/requirements.lock
.venv/bin/python scripts/sbom_frontend.py frontend/package-lock.json dist/sbom-frontend.json
.venv/bin/python - <<'PYTHON'
import json

for side in ("backend", "frontend"):
    with open(f"dist/sbom-{side}.json") as file:
        content = json.load(file)
    count = len(content["components"])
    print(f"dist/sbom-{side}.json: CycloneDX {content['specVersion']}, {count} components")
    if content["bomFormat"] != "CycloneDX" or not all(part.get("version") for part in content["components"]):
        raise SystemExit(f"dist/sbom-{side}.json is not complete")
PYTHON
