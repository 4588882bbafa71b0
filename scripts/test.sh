#!/usr/bin/env bash
# Runs every test runner to its end, so that one failure does not hide another; fails if any failed.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/node_path.sh
failed=0

echo "== browser application: unit tests"
(cd frontend && npm run --silent test:unit) || failed=1

echo "== browser tests"
if CHROMIUM_PATH=$(scripts/ensure_chromium.sh); then
  export CHROMIUM_PATH
  (cd frontend && npm run --silent test:e2e) || failed=1
else
  echo "BROWSER TESTS SKIPPED: there is no Chromium, and none could be installed. Install the package chromium, or set CHROMIUM_PATH."
fi

echo "== backend"
(cd backend && ../.venv/bin/python -m pytest -n "${PYTEST_WORKERS:-2}" --dist worksteal -m "not long") || failed=1
exit "$failed"
