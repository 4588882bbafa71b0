#!/usr/bin/env bash
# Proves that a fresh clone installs, tests and runs: as an ordinary user (with the whole `make test`), without Node, as
# root below a private folder with and without user namespaces, and from the wheel without a clone.
# What this machine cannot try is named with the reason. `--quick` leaves the whole `make test` out; KEEP=1 keeps the clones.
set -uo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
quick=0
[ "${1:-}" = "--quick" ] && quick=1
work=$(mktemp -d "${TMPDIR:-/tmp}/rti-XXXXXX")
chmod 755 "$work"
trap '[ "${KEEP:-0}" = 1 ] || rm -rf "$work"' EXIT
results=()
note() { results+=("$1"); echo "-- $1"; }
is_root() { [ "$(id -u)" = 0 ]; }

# as_user COMMAND…: run it as an ordinary user, with a home of its own and no variables of ours.
as_user() {
  local settings=(HOME="$work/home" PATH="$path" LANG=C.UTF-8 PYTEST_WORKERS="${PYTEST_WORKERS:-2}")
  local name
  for name in "${!PIP_@}" "${!UV_@}" "${!npm_config_@}" NODE_EXTRA_CA_CERTS SSL_CERT_FILE HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    [ -n "${!name:-}" ] && settings+=("$name=${!name}")
  done
  local become=()
  is_root && become=(setpriv --reuid="$(id -u nobody)" --regid="$(id -g nobody)" --clear-groups)
  "${become[@]}" env -i "${settings[@]}" "$@"
}
as_self() { PATH="$path" "$@"; }

# clone PLACE: a fresh clone with the sample data beside it, if there is any.
clone() {
  mkdir -p "$(dirname "$1")"
  git clone --quiet --no-hardlinks "$repository" "$1"
  [ -d ../shared ] && ln -sfn "$(cd ../shared && pwd)" "$(dirname "$1")/shared"
  return 0
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# left_running FOLDER: the processes that name the folder in their command line or environment.
left_running() {
  local folder=$1 entry
  for entry in /proc/[0-9]*; do
    [ "${entry##*/}" = "$BASHPID" ] || [ "${entry##*/}" = "$$" ] && continue
    if { tr '\0' '\n' < "$entry/cmdline"; } 2>/dev/null | grep -qE 'reqtrail|postgres|valkey' \
      && cat "$entry/cmdline" "$entry/environ" 2>/dev/null | grep -qaF "$folder/"; then
      echo "${entry##*/} $({ tr '\0' ' ' < "$entry/cmdline"; } 2>/dev/null | cut -c1-90)"
    fi
  done
}

# runs NAME FOLDER MODE COMMAND…: start an instance, ask it, end it as Ctrl-C does, and look for what it left.
runs() {
  local name=$1 folder=$2 mode=$3 port log page asset began=$SECONDS status=0
  shift 3
  port=$(free_port)
  log="$work/$(echo "$name" | tr -c 'a-z0-9\n' -).log"
  set -m # a process group of its own, as in a terminal
  "$@" REQTRAIL_PORT="$port" > "$log" 2>&1 &
  local group=$! url="http://127.0.0.1:$port"
  set +m
  until curl -fs -o /dev/null "$url/api/v1/health/ready"; do
    if ! kill -0 "$group" 2>/dev/null || [ $((SECONDS - began)) -gt 600 ]; then
      note "FAILED  $name: not ready after $((SECONDS - began)) s"
      tail -30 "$log"
      kill -INT -- "-$group" 2>/dev/null
      return 1
    fi
    sleep 0.2
  done
  local ready=$((SECONDS - began))
  page=$(curl -fs "$url/") || status=1
  asset=$(grep -oE '/assets/[^"]+\.js' <<< "$page" | head -1)
  grep -q 'id="app"' <<< "$page" && curl -fs -o /dev/null "$url$asset" || { echo "no browser application at $url"; status=1; }
  grep -q "postgres   ready ($mode)" "$log" || { echo "PostgreSQL does not run in the mode $mode"; status=1; }
  [ "$(left_running "$folder" | wc -l)" -ge 4 ] || { echo "its processes are not found"; status=1; }
  kill -INT -- "-$group"
  wait "$group"
  local left
  left=$(left_running "$folder")
  [ -z "$left" ] || { echo "left running: $left"; status=1; }
  if [ "$status" = 0 ]; then
    note "ok      $name: ready and the browser application served after $ready s ($mode), nothing left running"
  else
    note "FAILED  $name"
    tail -30 "$log"
  fi
  return "$status"
}
start_make_run() { # start_make_run HOW FOLDER SETTING… PORT_SETTING
  local how=$1 folder=$2
  shift 2
  "$how" env "$@" make -C "$folder" --no-print-directory run
}
start_wheel() { (cd / && as_user env "$@" "$work/wheel/venv/bin/reqtrail" up); }

system_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
path=$system_path
mkdir -m 755 "$work/home"
is_root && chown nobody "$work/home"
ordinary=plain

echo "== As an ordinary user"
clone "$work/user/clone"
is_root && chown -R nobody "$work/user"
if [ "$quick" = 1 ]; then
  note "left out: the whole make test (--quick)"
elif as_user make -C "$work/user/clone" --no-print-directory test; then
  note "ok      ordinary user: make test"
else
  note "FAILED  ordinary user: make test"
fi
runs "ordinary user" "$work/user" "$ordinary" start_make_run as_user "$work/user/clone" -u REQTRAIL_HOME

echo "== Without Node on the machine"
mkdir "$work/bin"
for folder in /bin /usr/bin /usr/local/bin; do
  for tool in "$folder"/*; do
    case "${tool##*/}" in node | nodejs | npm | npx | corepack) ;; *) ln -sf "$tool" "$work/bin/${tool##*/}" ;; esac
  done
done
path=$work/bin
if as_user sh -c 'command -v node' > /dev/null; then
  note "not tried: without Node: it is found although it is not on PATH"
else
  clone "$work/nonode/clone"
  is_root && chown -R nobody "$work/nonode"
  runs "without Node" "$work/nonode" "$ordinary" start_make_run as_user "$work/nonode/clone" -u REQTRAIL_HOME
fi
path=$system_path

echo "== As root, below a private folder"
if ! is_root; then
  note "not tried: as root: this is not root"
else
  mkdir -m 700 "$work/private"
  clone "$work/private/clone"
  if unshare --user true 2> /dev/null; then
    runs "root with user namespaces" "$work/private" namespace start_make_run as_self "$work/private/clone" -u REQTRAIL_HOME
  else
    note "not tried: root with user namespaces: this machine forbids them"
  fi
  rm -rf "$work/private/clone/.reqtrail"
  mkdir -m 711 "$work/runtime"
  # The switch behaves as a machine that forbids namespaces; on one that does, it changes nothing.
  runs "root without user namespaces" "$work/private" unprivileged start_make_run as_self "$work/private/clone" \
    -u REQTRAIL_HOME REQTRAIL_EMBEDDED_NO_USERNS=1 REQTRAIL_RUNTIME_DIR="$work/runtime"
fi

echo "== From the wheel, without a clone"
mkdir "$work/wheel"
is_root && chown nobody "$work/wheel"
if as_user make -C "$work/user/clone" --no-print-directory wheel \
  && as_user python3 -m venv "$work/wheel/venv" \
  && as_user "$work/wheel/venv/bin/pip" install --quiet --require-hashes -r "$work/user/clone/backend/requirements.lock" \
  && as_user sh -c "$work/wheel/venv/bin/pip install --quiet --no-deps $work/user/clone/dist/reqtrail-*.whl"; then
  mv "$work/user/clone" "$work/user/away" # so that nothing can be found in it
  runs "from the wheel" "$work/wheel" "$ordinary" start_wheel REQTRAIL_HOME="$work/wheel/home"
else
  note "FAILED  from the wheel: it cannot be built or installed"
fi

echo
echo "== Result"
printf '%s\n' "${results[@]}"
! printf '%s\n' "${results[@]}" | grep -q '^FAILED'
