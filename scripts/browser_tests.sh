#!/usr/bin/env bash
# Runs browser tests on an instance of their own: all, or those that the arguments name as Playwright takes them.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/node_path.sh
free_port() { .venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

if ! CHROMIUM_PATH=$(scripts/ensure_chromium.sh); then
  echo "BROWSER TESTS SKIPPED: there is no Chromium, and none could be installed. Install the package chromium, or set CHROMIUM_PATH."
  exit 0
fi
export CHROMIUM_PATH
# The lock says that this run lives: the next run ends the instance of one that does not.
folder="${TMPDIR:-/tmp}/rt-$(id -u)-e2e$$"
mkdir -m 700 "$folder" && exec 9> "$folder/alive.lock" && flock --shared 9
export E2E_HOME="$folder/home" E2E_PORT="${E2E_PORT:-$(free_port)}"
status=0
(cd frontend && exec 9>&- && npm run --silent test:e2e -- "$@") || status=1
exec 9>&-
rm -rf "$folder"
exit "$status"
