"""The data folder of an embedded instance: who made it, and who holds it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from pathlib import Path
from typing import IO, Any, Final

from reqtrail import __version__
from reqtrail.entrypoints.embedded.errors import (
    DiskFull,
    HomeInUse,
    HomeTooNew,
    PortInUse,
    StartError,
    disk_full,
)

HOME_FORMAT: Final = 1
"""Raised when the layout of the folder changes so that an older version must not touch it."""

MINIMUM_FREE_BYTES: Final = 200_000_000
"""Below this PostgreSQL could stop in the middle of its work."""

BACKLOG: Final = 2048
"""Connections that may wait to be accepted, as many as uvicorn lets wait."""


class Home:
    """A data folder, held by one ``reqtrail up`` at a time.

    Use it as a context manager; the lock goes with the process, however that ends.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    @property
    def postgres(self) -> Path:
        """The folder of PostgreSQL."""
        return self.path / "postgres"

    @property
    def valkey(self) -> Path:
        """The folder of Valkey."""
        return self.path / "valkey"

    def __enter__(self) -> Home:
        """Make the folder if need be and take it.

        Raises:
            HomeInUse, HomeTooNew, DiskFull: With a sentence that says what to do.
            StartError: If the folder cannot be written.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._take()
            self._check_format()
            self._check_room()
        except OSError as error:
            self._release()
            raise self._explained(error) from error
        except StartError:
            self._release()
            raise
        return self

    def __exit__(self, *details: object) -> None:
        """Give the folder back."""
        self._release()

    def _take(self) -> None:
        self._lock = (self.path / "up.lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HomeInUse(
                f"Another `reqtrail up` runs with the home {self.path}. Stop it, or set"
                " REQTRAIL_HOME to another folder."
            ) from None

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _check_format(self) -> None:
        path = self.path / "home.json"
        if not path.exists():
            path.write_text(json.dumps({"format": HOME_FORMAT, "made_by": __version__}) + "\n")
            return
        try:
            made: dict[str, Any] = json.loads(path.read_text())
            made_format = int(made["format"])
        except (ValueError, KeyError, TypeError):
            raise StartError(f"{path} cannot be read. Is {self.path} a home of Reqtrail?") from None
        if made_format > HOME_FORMAT:
            raise HomeTooNew(
                f"The home {self.path} was made by Reqtrail {made.get('made_by')}, which is newer"
                f" than this version ({__version__}). Upgrade Reqtrail, or set REQTRAIL_HOME."
            )

    def _check_room(self) -> None:
        state = os.statvfs(self.path)
        free = state.f_bavail * state.f_frsize
        if free < MINIMUM_FREE_BYTES:
            raise DiskFull(
                f"The disk of {self.path} has {free // 1_000_000} MB left;"
                f" {MINIMUM_FREE_BYTES // 1_000_000} MB are needed. Make room, then start again."
            )

    def _explained(self, error: OSError) -> StartError:
        if error.errno == errno.ENOSPC:
            return disk_full(self.path)
        return StartError(f"The home {self.path} cannot be used: {error.strerror}.")


def take_port(host: str, port: int) -> socket.socket:
    """Return a socket bound there, on which nobody listens yet.

    Raises:
        PortInUse: If somebody listens there already.
        StartError: If the address cannot be used at all.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise StartError(f"REQTRAIL_HOST {host} is no address of this machine.") from error
    # Of a name with several addresses the one that every client tries.
    family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    taken = socket.socket(family)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind(address)
    except OSError as error:
        taken.close()
        raise _unusable(host, port, error) from error
    return taken


def listen(taken: socket.socket) -> None:
    """Let connections come to a port that was taken.

    Raises:
        PortInUse: If somebody else who had bound it was faster.
    """
    try:
        taken.listen(BACKLOG)
    except OSError as error:
        host, port = taken.getsockname()[:2]
        raise _unusable(host, port, error) from error


def _unusable(host: str, port: int, error: OSError) -> StartError:
    if error.errno == errno.EADDRINUSE:
        return PortInUse(
            f"Port {port} of {host} is in use. Stop what runs there, or set REQTRAIL_PORT."
        )
    return StartError(f"{host}:{port} cannot be used: {error.strerror}.")
