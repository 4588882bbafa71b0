#!/usr/bin/env bash
# Makes .venv from the lock, when the lock changed. uv is used because it is fifteen times as fast as pip here.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .stamps
stamp=".stamps/backend-$(cat backend/requirements-dev.lock backend/pyproject.toml | sha256sum | cut -c1-16)"
# Starting a process takes twice as long where every import compiles, and an environment may forbid Python to keep
# what it compiled (PYTHONDONTWRITEBYTECODE). A source that does not compile says so where it is imported.
compile_sources() { .venv/bin/python -m compileall -qq -j 0 backend/src backend/tests || true; }
if [ -e "$stamp" ] && [ -x .venv/bin/python ]; then
  compile_sources
  exit 0
fi

python=""
for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
  if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    python="$candidate"
    break
  fi
done
if [ -z "$python" ]; then
  echo "Reqtrail needs Python 3.11 or newer; set PYTHON to one." >&2
  exit 1
fi
[ -x .venv/bin/python ] || "$python" -m venv .venv
if .venv/bin/python -m pip install --quiet --disable-pip-version-check uv; then
  .venv/bin/uv pip sync --quiet --compile-bytecode --require-hashes --python .venv/bin/python backend/requirements-dev.lock
else
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r backend/requirements-dev.lock
fi
# The package itself is put on the path rather than built: no build back end has to be fetched.
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "$PWD/backend/src" > "$site/reqtrail.pth"
cat > .venv/bin/reqtrail <<SCRIPT
#!$PWD/.venv/bin/python
from reqtrail.entrypoints.cli import main

main()
SCRIPT
chmod +x .venv/bin/reqtrail
compile_sources
rm -f .stamps/backend-*
touch "$stamp"
