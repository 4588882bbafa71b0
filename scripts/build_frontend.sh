#!/usr/bin/env bash
# Builds the browser application, when a source is newer than what was built.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/node_path.sh
if [ -e frontend/dist/index.html ] && [ -z "$(find frontend/src frontend/index.html frontend/*.ts frontend/package-lock.json -newer frontend/dist/index.html -print -quit)" ]; then
  exit 0
fi
(cd frontend && npm run --silent build)
touch frontend/dist/index.html
