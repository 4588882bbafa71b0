"""What can keep the embedded instance from starting, each with an exit code of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar


class StartError(Exception):
    """The instance cannot start; the text says why and what to do."""

    exit_code: ClassVar[int] = 10


class PortInUse(StartError):
    """Somebody listens on the port already."""

    exit_code = 11


class HomeInUse(StartError):
    """Another ``reqtrail up`` runs with this home."""

    exit_code = 12


class HomeTooNew(StartError):
    """The home was made by a newer version."""

    exit_code = 13


class DiskFull(StartError):
    """There is no room on the disk of the home."""

    exit_code = 14


class EngineFailed(StartError):
    """An engine does not start; its own log follows."""

    exit_code = 15


class NoBinaries(StartError):
    """No usable PostgreSQL or Valkey is installed."""

    exit_code = 16


class MasterKeyMissing(StartError):
    """Secrets are encrypted with a master key that is not there."""

    exit_code = 17


class WallNotBuilt(StartError):
    """The database login may not raise the wall around projects, or is not bound by it."""

    exit_code = 18


FULL_BELOW_BYTES = 1_000_000
"""With less than this an engine cannot write its next page of log."""


def is_full(path: Path) -> bool:
    """Return whether the disk of *path* is full."""
    state = os.statvfs(path)
    return state.f_bavail * state.f_frsize < FULL_BELOW_BYTES


def disk_full(path: Path) -> DiskFull:
    """Return the error that says that the disk of *path* is full."""
    return DiskFull(f"The disk of {path} is full. Make room, then start again.")
