#!/usr/bin/env bash
# Writes dist/reqtrail-*.whl: the package with the browser application, the migrations and the demo project in it.
set -euo pipefail
cd "$(dirname "$0")/.."
rm -rf backend/build dist/reqtrail-*.whl  # what an older build left would be packed too
.venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps -w dist ./backend
rm -rf backend/build backend/src/reqtrail.egg-info
ls dist/reqtrail-*.whl
