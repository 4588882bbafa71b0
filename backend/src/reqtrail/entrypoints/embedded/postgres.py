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
from urllib.parse import quote

from reqtrail.entrypoints.embedded.binaries import BUILTIN_LOCALE_MAJOR, PgBinaries, find_postgres
from reqtrail.entrypoints.embedded.errors import DiskFull, EngineFailed
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
            name = hashlib.sha256(str(self._folder).encode()).hexdigest()[:16]
            return runtime_root() / name / "data"
        return self._folder / "data"

    @property
    def socket_dir(self) -> Path:
        """The folder of the server's socket; a short one elsewhere when the path would be too long."""
        own = self.data.parent / "run"
        if len(str(own).encode()) + len("/.s.PGSQL.65535.lock") <= SUN_PATH_MAX:
            return own
        name = hashlib.sha256(str(self._folder).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"reqtrail-{os.getuid()}-{name}"

    def url(self, database: str = DATABASE) -> str:
        """Return the SQLAlchemy URL (asyncpg) of *database*."""
        return (
            f"postgresql+asyncpg://{USER}@/{database}?host={quote(str(self.socket_dir), safe='/')}"
        )

    def start(self) -> int:
        """Start the cluster, or adopt it when it runs; return the postmaster's process id.

        Raises:
            DiskFull: If the disk has no room.
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
            pid = self.running_pid()
            if pid is None:
                self._launch(runner)
                pid = self.running_pid()
            if pid is None:
                raise EngineFailed(f"PostgreSQL ended right after its start.\n{self._log_tail()}")
            self._ensure_database(runner)
            return pid

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
            self._runner = choose_runner(self._binaries, self._folder / "data")
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

    def _launch(self, runner: Runner) -> None:
        options = [*TUNING, f"unix_socket_directories='{self.socket_dir}'", *self._options]
        for _ in range(START_ATTEMPTS):
            done = runner.run(
                "pg_ctl",
                *("-D", str(self.data), "-w", "-t", "300", "-l", str(self.log_file)),
                *("-o", command(options), "start"),
            )
            if done.returncode == 0:
                return
            time.sleep(
                RETRY_SECONDS
            )  # children of a killed postmaster still hold its shared memory
            self.running_pid()
        self._fail("PostgreSQL does not start.", done.stderr)

    def _ensure_database(self, runner: Runner) -> None:
        created = runner.run(
            "createdb", "-h", str(self.socket_dir), "-U", USER, "--no-password", DATABASE
        )
        if created.returncode != 0 and "already exists" not in created.stderr:
            self._fail("PostgreSQL could not make the database.", created.stderr)

    def _fail(self, sentence: str, output: str) -> None:
        if "No space left on device" in output + self._log_tail():
            raise DiskFull(f"The disk of {self._folder} is full. Make room, then start again.")
        raise EngineFailed(f"{sentence}\n{output}\n{self._log_tail()}")

    def _log_tail(self) -> str:
        try:
            return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-15:])
        except OSError:
            return ""
