#!/usr/bin/env bash
# Runs the backend's tests and prints the line coverage, and the ten files that miss most.
set -uo pipefail
cd "$(dirname "$0")/../backend"
rm -f .coverage .coverage.*
failed=0
../.venv/bin/python -m pytest -n "${PYTEST_WORKERS:-2}" --dist worksteal -m "not long" --cov --cov-report= || failed=1
../.venv/bin/coverage json -q -o .coverage.json && ../.venv/bin/python - <<'PYTHON'
import json
from pathlib import Path

report = json.loads(Path(".coverage.json").read_text())
files = {name: entry["summary"] for name, entry in report["files"].items()}
print("\nThe ten files that miss most lines:")
for name, summary in sorted(files.items(), key=lambda item: -item[1]["missing_lines"])[:10]:
    lines = ",".join(map(str, report["files"][name]["missing_lines"]))
    share = 100 * summary["covered_lines"] / summary["num_statements"]
    print(f"  {share:5.1f} %  {summary['missing_lines']:4d} of {summary['num_statements']:4d}  {name}: {lines[:90]}")
total = report["totals"]
print(f"\nLine coverage: {100 * total['covered_lines'] / total['num_statements']:.2f} %"
      f" ({total['covered_lines']} of {total['num_statements']} lines)")
PYTHON
exit "$failed"
