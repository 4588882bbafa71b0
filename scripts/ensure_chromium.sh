#!/usr/bin/env bash
# Prints the path of a Chromium, installing Debian's package when root. Prints nothing and fails when there is none.
set -euo pipefail
for name in "${CHROMIUM_PATH:-}" chromium chromium-browser google-chrome; do
  if [ -n "$name" ] && command -v "$name" >/dev/null; then
    command -v "$name"
    exit 0
  fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium) >/dev/null 2>&1 || exit 1
  command -v chromium
  exit 0
fi
exit 1
