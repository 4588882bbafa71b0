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
browser_tests() {
  local folder status=0
  # The lock says that this run lives: the next run ends the instance of one that does not.
  folder="${TMPDIR:-/tmp}/rt-$(id -u)-e2e$$"
  mkdir -m 700 "$folder" && exec 9> "$folder/alive.lock" && flock --shared 9
  export E2E_HOME="$folder/home" E2E_PORT="${E2E_PORT:-$(free_port)}"
  (cd frontend && exec 9>&- && npm run --silent test:e2e) || status=1
  exec 9>&-
  rm -rf "$folder"
  return "$status"
}
free_port() { .venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

(cd backend && ../.venv/bin/python -m tests.fixtures.engines)
[ -d ../shared/data ] || echo "There is no ../shared/data: the tests that need real files and corpora are skipped."
run "browser application: unit tests" unit_tests
run "backend" backend_tests
if CHROMIUM_PATH=$(scripts/ensure_chromium.sh); then
  export CHROMIUM_PATH
  run "browser tests" browser_tests
else
  echo "BROWSER TESTS SKIPPED: there is no Chromium, and none could be installed. Install the package chromium, or set CHROMIUM_PATH."
fi
echo "All of it took $((SECONDS - began)) s."
if [ "${#failed[@]}" -gt 0 ]; then
  printf 'FAILED: %s\n' "${failed[@]}" >&2
  exit 1
fi
