#!/usr/bin/env bash
# Installs the frontend's packages from the lock, when the lock changed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/node_path.sh
mkdir -p .stamps
stamp=".stamps/frontend-$(sha256sum frontend/package-lock.json | cut -c1-16)"
[ -e "$stamp" ] && [ -d frontend/node_modules ] && exit 0
(cd frontend && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
rm -f .stamps/frontend-*
touch "$stamp"
