#!/usr/bin/env bash
# Runs every test runner to its end, so that one failure does not hide another; fails if any failed.
# The backend's tests run in a random order; `PYTEST_ADDOPTS="-p randomly --randomly-seed=N" make test` repeats one.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/node_path.sh
failed=()
began=$SECONDS
run() {
  local name=$1 start=$SECONDS
  shift
  echo "== $name"
  "$@" || failed+=("$name")
  echo "== $name took $((SECONDS - start)) s"
}
unit_tests() { (cd frontend && npm run --silent test:unit); }
backend_tests() { (cd backend && ../.venv/bin/python -m pytest -n "${PYTEST_WORKERS:-2}" --dist worksteal -m "not long"); }

(cd backend && ../.venv/bin/python -m tests.fixtures.engines)
[ -d ../shared/data ] || echo "There is no ../shared/data: the tests that need real files and corpora are skipped."
run "browser application: unit tests" unit_tests
run "backend" backend_tests
run "browser tests" scripts/browser_tests.sh
echo "All of it took $((SECONDS - began)) s."
if [ "${#failed[@]}" -gt 0 ]; then
  printf 'FAILED: %s\n' "${failed[@]}" >&2
  exit 1
fi
