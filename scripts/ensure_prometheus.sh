#!/usr/bin/env bash
# Prints the path of promtool, with prometheus beside it, getting both from Debian's package when root. Prints nothing and
# fails when there is none. The package is unpacked, not installed: its service would listen on every address.
set -euo pipefail
find_it() { command -v prometheus >/dev/null && command -v promtool; }
if find_it; then
  exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  chmod 755 "$folder" # apt downloads as a user of its own
  cd "$folder"
  (apt-get update -qq && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb unpacked \
    && install -m 755 unpacked/usr/bin/prometheus unpacked/usr/bin/promtool /usr/local/bin/) >/dev/null 2>&1 || exit 1
  find_it
  exit 0
fi
exit 1
