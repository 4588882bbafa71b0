#!/usr/bin/env bash
# Runs every check to its end and names those that failed.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/node_path.sh
failed=()
try() {
  local name=$1
  shift
  echo "== $name"
  "$@" || failed+=("$name")
}
in_backend() { (cd backend && "../.venv/bin/$1" "${@:2}"); }
in_frontend() { (cd frontend && npm run --silent "$@"); }
openapi_is_current() {
  local fresh
  fresh=$(mktemp)
  (cd backend && ../.venv/bin/python -m reqtrail.api.openapi) > "$fresh" && diff -q "$fresh" frontend/openapi.json
}

try "Black" in_backend black --check --quiet src tests migrations
try "Flake8" in_backend flake8 src tests migrations
try "MyPy" in_backend mypy src
try "import contracts" in_backend lint-imports
try "architecture tests" in_backend python -m pytest -q tests/architecture
try "OpenAPI file" openapi_is_current
try "ESLint" in_frontend lint
try "Prettier" in_frontend format:check
try "vue-tsc" in_frontend typecheck
if [ "${#failed[@]}" -gt 0 ]; then
  echo "FAILED: ${failed[*]}" >&2
  exit 1
fi
echo "All checks passed."
