#!/usr/bin/env bash
# Runs every check to its end, backend and browser application side by side, and names those that failed.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/node_path.sh
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT

# try LANE NAME COMMAND…: what a check prints is kept, so that two lanes do not mix, and shown if it fails.
try() {
  local lane=$1 name=$2 began=$SECONDS
  shift 2
  if "$@" > "$reports/$lane.out" 2>&1; then
    printf 'ok      %-22s %3d s\n' "$name" $((SECONDS - began))
  else
    printf 'FAILED  %-22s %3d s\n' "$name" $((SECONDS - began))
    { echo "== $name"; cat "$reports/$lane.out"; echo; } >> "$reports/$lane.failed"
    echo "$name" >> "$reports/names"
  fi
}
in_backend() { (cd backend && "../.venv/bin/$1" "${@:2}"); }
in_frontend() { (cd frontend && npm run --silent "$@"); }
in_benchmarks() { (cd benchmarks && MYPYPATH=../backend/src "../.venv/bin/$1" "${@:2}"); }
openapi_is_current() {
  in_backend python -m reqtrail.api.openapi > "$reports/openapi.json" || return 1
  diff -q "$reports/openapi.json" frontend/openapi.json \
    || { echo "frontend/openapi.json is not what the API says: run \`make openapi\`."; return 1; }
}
client_types_are_current() {
  (cd frontend && npx --no-install openapi-typescript openapi.json -o "$reports/schema.d.ts" >/dev/null) || return 1
  diff -q "$reports/schema.d.ts" frontend/src/api/schema.d.ts \
    || { echo "frontend/src/api/schema.d.ts is not what openapi.json says: run \`make openapi\`."; return 1; }
}

backend_lane() {
  try backend "Black" in_backend black --check --quiet --config pyproject.toml src tests migrations setup.py ../benchmarks ../scripts
  try backend "Flake8" in_backend flake8 src tests migrations setup.py ../benchmarks ../scripts
  try backend "MyPy" in_backend mypy src tests migrations ../scripts/mutation.py ../scripts/sbom_frontend.py
  try backend "MyPy of benchmarks" in_benchmarks mypy --config-file ../backend/pyproject.toml -p benchmarks
  try backend "Bandit" in_backend bandit -q -ll -r src migrations ../scripts ../benchmarks
  try backend "secrets" scripts/check_secrets.sh
  try backend "import contracts" in_backend lint-imports
  try backend "architecture tests" in_backend python -m pytest -q --durations=0 tests/architecture
  try backend "OpenAPI file" openapi_is_current
}
frontend_lane() {
  try frontend "ESLint" in_frontend lint
  try frontend "Prettier" in_frontend format:check
  try frontend "vue-tsc" in_frontend typecheck
  try frontend "client types" client_types_are_current
  try frontend "bundle budgets" in_frontend budgets
}
backend_lane &
backend=$!
frontend_lane &
wait "$backend" $!

if [ -e "$reports/names" ]; then
  echo
  cat "$reports"/*.failed
  echo "FAILED: $(sort "$reports/names" | paste -sd, | sed 's/,/, /g')" >&2
  exit 1
fi
echo "All checks passed."
