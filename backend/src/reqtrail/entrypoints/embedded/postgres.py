"""The lifecycle of the embedded PostgreSQL: start, adopt, recover after SIGKILL, stop."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from reqtrail.entrypoints.embedded.binaries import BUILTIN_LOCALE_MAJOR, PgBinaries, find_postgres
from reqtrail.entrypoints.embedded.errors import EngineFailed, HomeTooNew, disk_full, is_full
from reqtrail.entrypoints.embedded.privileges import (
    Mode,
    Runner,
    choose_runner,
    command,
    runtime_root,
    traversable,
)

USER = "reqtrail"
DATABASE = "reqtrail"
START_ATTEMPTS = 40
RETRY_SECONDS = 0.25
LOG_TAIL_BYTES = 16_384
HELD_SIGNS = ("already exists", "shared memory", "is still in use", "is already in use")
"""What the log says when a server that was killed is not quite gone."""
SUN_PATH_MAX = 107
"""Bytes that a socket path may have."""

TUNING = (
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "max_connections=80",
    "shared_buffers=256MB",
    "work_mem=16MB",
    "maintenance_work_mem=128MB",
    "max_wal_size=2GB",
    "wal_compression=pglz",
    "random_page_cost=1.1",
    "jit=off",
    "shared_preload_libraries=pg_stat_statements",
    "log_min_messages=warning",
)


def short_place(name: str, suffix: str) -> Path:
    """Return the path *name* in the temporary folder, or in /tmp if a socket's path there would be too long."""
    own = Path(tempfile.gettempdir()) / name
    if len(f"{own}{suffix}".encode()) <= SUN_PATH_MAX:
        return own
    return Path("/tmp") / name  # nosec B108 - a folder of our own below it, checked when it is used


class EmbeddedPostgres:
    """One cluster below a folder. Several processes may start it at once: they get one and the same.

    Args:
        folder: Holds the data, the log and the lock.
        options: Further server settings as ``name=value`` (tests turn fsync off).
    """

    def __init__(
        self, folder: Path, *, options: Sequence[str] = (), binaries: PgBinaries | None = None
    ) -> None:
        self._folder = folder.resolve()
        self._binaries = binaries or find_postgres()
        self._options = options
        self._runner: Runner | None = None

    @property
    def mode(self) -> Mode:
        """How the processes get rid of root."""
        return self._run().mode

    @property
    def log_file(self) -> Path:
        """The server's own log."""
        return self.data.parent / "postgres.log"

    @property
    def data(self) -> Path:
        """The folder of the cluster. An unprivileged engine keeps it where it can reach it."""
        if self._run().mode is Mode.UNPRIVILEGED and not traversable(self._folder.parent):
            return self._reachable_data
        return self._folder / "data"

    @property
    def _reachable_data(self) -> Path:
        name = hashlib.sha256(str(self._folder).encode()).hexdigest()[:16]
        return runtime_root() / name / "data"

    @property
    def socket_dir(self) -> Path:
        """The folder of the server's socket; a short one elsewhere when the path would be too long."""
        own = self.data.parent / "run"
        if len(str(own).encode()) + len("/.s.PGSQL.65535.lock") <= SUN_PATH_MAX:
            return own
        name = hashlib.sha256(str(self._folder).encode()).hexdigest()[:12]
        return short_place(f"reqtrail-{os.getuid()}-{name}", "/.s.PGSQL.65535.lock")

    def url(self, database: str = DATABASE) -> str:
        """Return the SQLAlchemy URL (asyncpg) of *database*."""
        return (
            f"postgresql+asyncpg://{USER}@/{database}?host={quote(str(self.socket_dir), safe='/')}"
        )

    def start(self) -> int:
        """Start the cluster, or adopt it when it runs; return the postmaster's process id.

        Raises:
            DiskFull: If the disk has no room.
            HomeTooNew: If the cluster was made by a newer PostgreSQL than this one.
            EngineFailed: If PostgreSQL does not start; the text holds the end of its log.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            runner = self._run()
            if runner.owner:
                self.data.parent.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
            runner.make_private_dir(self.data.parent)
            runner.make_private_dir(self.socket_dir)
            if not (self.data / "PG_VERSION").exists():
                self._initialise(runner)
            self._check_major()
            for _ in range(START_ATTEMPTS):
                pid = self.running_pid() or self._launch(runner)
                if self._ensure_database(runner):
                    return pid
                time.sleep(RETRY_SECONDS)  # it was just killed, or is still recovering
            raise EngineFailed(f"PostgreSQL does not answer.\n{self._log_tail()}")

    def stop(self) -> None:
        """Stop the cluster: sessions are ended, what they committed is kept. Nothing happens if it does not run."""
        if self.running_pid() is not None:
            self._run().run("pg_ctl", "-D", str(self.data), "-w", "-m", "fast", "stop")

    def running_pid(self) -> int | None:
        """Return the postmaster's process id, or None; a stale pid file is removed.

        A pid file can outlive its postmaster, and its pid can belong to another process by now: only a live process
        whose command line names our data folder counts.
        """
        path = self.data / "postmaster.pid"
        try:
            pid = int(path.read_text().splitlines()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            if str(self.data).encode() in arguments.split(b"\0") and state != "Z":
                return pid
        except (FileNotFoundError, ProcessLookupError):
            pass
        path.unlink(missing_ok=True)
        return None

    def _run(self) -> Runner:
        if self._runner is None:
            # A cluster that was made elsewhere stays where it is, also when root may do more than before.
            own, elsewhere = self._folder / "data", self._reachable_data
            existing = elsewhere if elsewhere.exists() and not own.exists() else own
            self._runner = choose_runner(self._binaries, existing)
        return self._runner

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._folder / "start.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _initialise(self, runner: Runner) -> None:
        fresh = self.data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        locale = ["--locale=C.UTF-8"]
        if self._binaries.major >= BUILTIN_LOCALE_MAJOR:
            locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        made = runner.run(
            "initdb",
            *("-D", str(fresh), "-U", USER, "-A", "trust", "--auth-host=reject"),
            *("--encoding=UTF8", "--data-checksums", "--no-sync", *locale),
        )
        if made.returncode == 0:
            made = runner.run("initdb", "-D", str(fresh), "--sync-only")
        if made.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            self._fail("PostgreSQL could not make its data folder.", made.stderr)
        fresh.rename(self.data)  # a killed initdb never leaves half a cluster behind

    def _check_major(self) -> None:
        made_by = int((self.data / "PG_VERSION").read_text().strip())
        if made_by > self._binaries.major:
            raise HomeTooNew(
                f"The data in {self.data} was made by PostgreSQL {made_by}; this installation has"
                f" {self._binaries.major}. Upgrade Reqtrail, or set REQTRAIL_HOME."
            )
        if made_by < self._binaries.major:
            raise EngineFailed(
                f"The data in {self.data} was made by PostgreSQL {made_by}; this installation has"
                f" {self._binaries.major}. Copy it with pg_upgrade, or install the older package."
            )

    def _launch(self, runner: Runner) -> int:
        options = [*TUNING, f"unix_socket_directories='{self.socket_dir}'", *self._options]
        for _ in range(START_ATTEMPTS):
            logged = self._log_size()
            done = runner.run(
                "pg_ctl",
                *("-D", str(self.data), "-w", "-t", "300", "-l", str(self.log_file)),
                *("-o", command(options), "start"),
            )
            pid = self.running_pid()
            if done.returncode == 0 and pid is not None:
                return pid
            # Children of a killed postmaster may hold its memory for a moment; nothing else passes by itself.
            if not any(sign in self._log_since(logged) for sign in HELD_SIGNS):
                break
            time.sleep(RETRY_SECONDS)
        self._fail("PostgreSQL does not start.", done.stderr)

    def _ensure_database(self, runner: Runner) -> bool:
        """Make the database unless it is there; return False if the server does not answer yet or any more."""
        created = runner.run(
            "createdb", "-h", str(self.socket_dir), "-U", USER, "--no-password", DATABASE
        )
        if created.returncode == 0 or "already exists" in created.stderr:
            return True
        if "connection to server" not in created.stderr:
            self._fail("PostgreSQL could not make the database.", created.stderr)
        return False

    def _fail(self, sentence: str, output: str) -> NoReturn:
        if is_full(self._folder) or "No space left on device" in output + self._log_tail():
            raise disk_full(self._folder)
        raise EngineFailed(f"{sentence}\n{output}\n{self._log_tail()}")

    def _log_size(self) -> int:
        try:
            return self.log_file.stat().st_size
        except OSError:
            return 0

    def _log_since(self, position: int) -> str:
        try:
            with self.log_file.open("rb") as log:
                log.seek(max(position, 0))
                return log.read().decode(errors="replace")
        except OSError:
            return ""

    def _log_tail(self) -> str:
        return "\n".join(self._log_since(self._log_size() - LOG_TAIL_BYTES).splitlines()[-15:])
