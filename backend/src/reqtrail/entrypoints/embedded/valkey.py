"""The lifecycle of the embedded Valkey: start, adopt, recover, stop. It listens on a socket of its folder only."""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from reqtrail.entrypoints.embedded.binaries import find_valkey
from reqtrail.entrypoints.embedded.errors import EngineFailed, disk_full, is_full
from reqtrail.entrypoints.embedded.postgres import SUN_PATH_MAX, short_place

START_SECONDS = 20.0
STOP_SECONDS = 10.0


class EmbeddedValkey:
    """One Valkey below a folder, durable to the second (append-only file). Concurrent starts give one server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    @property
    def socket(self) -> Path:
        """The path of the server's socket; a short one elsewhere when it would be too long."""
        own = self._folder / "valkey.sock"
        if len(str(own).encode()) <= SUN_PATH_MAX:
            return own
        name = hashlib.sha256(str(self._folder).encode()).hexdigest()[:12]
        return short_place(f"reqtrail-valkey-{os.getuid()}-{name}", "/s") / "s"

    @property
    def log_file(self) -> Path:
        """The server's own log."""
        return self._folder / "valkey.log"

    @property
    def _pid_file(self) -> Path:
        return self._folder / "valkey.pid"

    def url(self, database: int = 0) -> str:
        """Return the URL of *database*."""
        return f"unix://{self.socket}?db={database}"

    def start(self) -> int:
        """Start the server, or adopt it when it runs; return its process id.

        Raises:
            DiskFull: If the disk has no room.
            EngineFailed: If it does not answer within START_SECONDS.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            pid = self.running_pid() or self._revived_pid()
            if pid is None:
                self._launch()
                pid = self.running_pid()
            if pid is None:
                raise EngineFailed(f"Valkey does not start.\n{self._log_tail()}")
            return pid

    def stop(self) -> None:
        """End the server; what it holds is on disk. Nothing happens if it does not run."""
        pid = self.process_pid() or self.running_pid()
        if pid is not None:
            _end(pid)

    def running_pid(self) -> int | None:
        """Return the server's process id if it answers on our socket, else None."""
        if not self.socket.exists():
            return None
        # Without the client's own retries: a server that was killed is known at once.
        client = Redis(
            unix_socket_path=str(self.socket), socket_timeout=2, retry=Retry(NoBackoff(), 0)
        )
        try:
            return int(client.info("server")["process_id"])
        except (RedisError, OSError):
            return None
        finally:
            client.close()

    def process_pid(self) -> int | None:
        """Return the process id of the server if there is one, whether it answers or stands still."""
        try:
            pid = int(self._pid_file.read_text())
            # The number may be somebody else's by now; the server works in its folder.
            is_ours = Path(f"/proc/{pid}/cwd").resolve() == self._folder
        except (OSError, ValueError):
            return None
        return pid if is_ours and _alive(pid) else None

    def _revived_pid(self) -> int | None:
        """Wait for a server that stands still; end it if it goes on to: two must never write to the same file."""
        deadline = time.monotonic() + START_SECONDS
        while (pid := self.process_pid()) is not None:
            if (answering := self.running_pid()) is not None:
                return answering
            if time.monotonic() > deadline:
                _end(pid)
        return None

    def _launch(self) -> None:
        self.socket.unlink(missing_ok=True)
        self._pid_file.unlink(missing_ok=True)
        # As a daemon it belongs to nobody: whoever started it may end, and another process adopts it.
        done = subprocess.run(
            [
                str(find_valkey()),
                *("--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"),
                *("--dir", str(self._folder), "--save", "", "--daemonize", "yes"),
                *("--pidfile", str(self._pid_file), "--logfile", str(self.log_file)),
                *("--appendonly", "yes", "--appendfsync", "everysec"),
                *("--maxmemory", "256mb", "--maxmemory-policy", "volatile-lru"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            start_new_session=True,
        )
        if done.returncode != 0:
            raise EngineFailed(f"Valkey does not start.\n{done.stdout}{done.stderr}")
        began = time.monotonic()
        while time.monotonic() < began + START_SECONDS:
            if self.running_pid() is not None:
                return
            time.sleep(0.02)
            # On a full disk it cannot even write why it ended.
            if self._daemon_ended() or time.monotonic() > began + 1 and is_full(self._folder):
                break
        if is_full(self._folder) or "No space left on device" in self._log_tail():
            raise disk_full(self._folder)

    def _daemon_ended(self) -> bool:
        try:
            return not _alive(int(self._pid_file.read_text()))
        except (OSError, ValueError):
            return False  # not written yet, or taken away at its end: then the deadline decides

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._folder / "start.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _log_tail(self) -> str:
        try:
            return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-15:])
        except OSError:
            return ""


def _end(pid: int) -> None:
    """End a server; what it acknowledged is in the append-only file."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while _alive(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        if _alive(pid):  # it does not end by itself
            os.kill(pid, signal.SIGKILL)


def _alive(pid: int) -> bool:
    """Return whether the process *pid* runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
