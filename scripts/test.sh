#!/usr/bin/env bash
# Runs every test runner to its end, so that one failure does not hide another; fails if any failed.
# The browser's tests run beside the backend's, since each leaves a part of two cores idle; what they print comes last.
# The backend's tests run in a random order; `PYTEST_ADDOPTS="-p randomly --randomly-seed=N" make test` repeats one.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/node_path.sh
began=$SECONDS
reports=$(mktemp -d)
run() {
  local name=$1 start=$SECONDS
  shift
  echo "== $name"
  "$@" || echo "$name" >> "$reports/failed"
  echo "== $name took $((SECONDS - start)) s"
}
unit_tests() { (cd frontend && npm run --silent test:unit); }
backend_tests() { (cd backend && ../.venv/bin/python -m pytest -n "${PYTEST_WORKERS:-3}" --dist worksteal -m "not long"); }
browser_lane() {
  run "browser application: unit tests" unit_tests
  run "browser tests" scripts/browser_tests.sh
}
end_browser_lane() {
  kill -INT -- "-$browser" 2>/dev/null && wait "$browser" 2>/dev/null
  rm -rf "$reports"
}

(cd backend && ../.venv/bin/python -m tests.fixtures.engines)
[ -d ../shared/data ] || echo "There is no ../shared/data: the tests that need real files and corpora are skipped."
scripts/ensure_prometheus.sh >/dev/null \
  || echo "There is no Prometheus, and none could be installed: the tests that need promtool or prometheus are skipped."
set -m # a process group of its own, which an interrupt of this script can end
browser_lane > "$reports/browser" 2>&1 < /dev/null &
browser=$!
set +m
trap end_browser_lane EXIT
trap 'exit 130' INT TERM
run "backend" backend_tests
echo "== the browser tests began beside these and go on"
wait "$browser"
cat "$reports/browser"
echo "All of it took $((SECONDS - began)) s."
if [ -e "$reports/failed" ]; then
  sed 's/^/FAILED: /' "$reports/failed" >&2
  exit 1
fi
