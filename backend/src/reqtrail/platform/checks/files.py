"""The home: whether it can be written, has room, and keeps its secrets to itself."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from reqtrail.platform.checks.model import (
    Check,
    Finding,
    Installation,
    failed,
    fine,
    in_thread,
    warning,
)
from reqtrail.platform.settings import Settings

LEAST_FREE_BYTES: Final = 200_000_000
"""With less than this `reqtrail up` does not start."""
LITTLE_FREE_BYTES: Final = 1_000_000_000
SECRET_FILES: Final = (
    "secret.key",
    "master.keys",
    "audit.keys",
    "credentials.json",
    "runtime.json",
)
OF_OTHERS: Final = stat.S_IRWXO
OF_GROUP: Final = stat.S_IRWXG


async def _home(installation: Installation) -> Finding:
    return await in_thread(lambda: _look_at_home(installation.settings.home))


def _look_at_home(home: Path) -> Finding:
    try:
        is_there = home.exists()
    except OSError as error:
        return failed(
            "home_unreachable",
            f"The home {home} cannot be looked at: {error.strerror}.",
            "Run this as the user that runs Reqtrail, or set REQTRAIL_HOME to the right folder.",
        )
    if not is_there:
        return warning(
            "home_missing",
            f"The home {home} does not exist yet.",
            "Start `reqtrail up`, which makes it, or set REQTRAIL_HOME to the right folder.",
        )
    try:
        with tempfile.TemporaryFile(dir=home, prefix=".doctor-") as probe:
            probe.write(b"x" * 4096)
            probe.flush()
    except OSError as error:
        return failed(
            "home_not_writable",
            f"The home {home} cannot be written: {error.strerror}.",
            "Give the folder to the user that runs Reqtrail, make room on its disk, or set REQTRAIL_HOME.",
        )
    return fine(f"The home {home} can be written.")


async def _room(installation: Installation) -> list[Finding]:
    home = installation.settings.home
    # Imports unpack in the folder of temporary files.
    places = {"home": home, "temporary files": Path(tempfile.gettempdir())}
    return await in_thread(lambda: [_look_at_disk(what, path) for what, path in places.items()])


def _look_at_disk(what: str, path: Path) -> Finding:
    there = next(folder for folder in (path, *path.parents) if os.path.isdir(folder))
    state = os.statvfs(there)
    free = state.f_bavail * state.f_frsize
    details = {"path": str(there), "free_bytes": free}
    said = f"The disk of the {what} ({there}) has {_size(free)} left"
    if free < LEAST_FREE_BYTES:
        return failed(
            "disk_full", f"{said}.", f"Make room: {_size(LEAST_FREE_BYTES)} are needed.", **details
        )
    if free < LITTLE_FREE_BYTES:
        return warning("disk_nearly_full", f"{said}.", "Make room before it is full.", **details)
    return fine(f"{said}.", **details)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count // 1_000_000} MB"


async def _private(installation: Installation) -> list[Finding]:
    files = [*secret_files(installation.settings, installation.environment.get(_PROVIDERS))]

    def look() -> list[Finding]:
        found = [one for path in files if (one := _look_at_mode(path)) is not None]
        return [*found, *_look_at_folder(installation.settings.home)]

    return await in_thread(look) or [fine("Files with secrets are readable by their owner alone.")]


_PROVIDERS: Final = "REQTRAIL_SIGN_IN_PROVIDERS"


def secret_files(settings: Settings, providers: str | None = None) -> Iterator[Path]:
    """Yield the paths of files that hold secrets; they need not be there.

    Args:
        providers: The setting of sign-in providers as it was written: it may be a file's path.
    """
    yield from (settings.home / name for name in SECRET_FILES)
    if settings.master_key_file is not None:
        yield settings.master_key_file
    if providers and not providers.strip().startswith("["):
        yield Path(providers.strip()).expanduser()


def _look_at_mode(path: Path) -> Finding | None:
    try:
        mode = path.stat().st_mode
    except OSError:
        return None  # not there: the check that needs it says so
    if mode & OF_OTHERS:
        return failed(
            "file_open",
            f"{path} holds secrets, and every user of this machine may use it (mode {mode & 0o777:o}).",
            f"Run `chmod 600 {path}`. If somebody may have read it, replace what it holds.",
            path=str(path),
        )
    if mode & OF_GROUP:
        return warning(
            "file_open_to_group",
            f"{path} holds secrets, and its group may use it (mode {mode & 0o777:o}).",
            f"Run `chmod 600 {path}`, unless that group is Reqtrail's alone.",
            path=str(path),
        )
    return None


def _look_at_folder(home: Path) -> Iterator[Finding]:
    try:
        mode = home.stat().st_mode
    except OSError:
        return
    # To pass through is not to list: an engine that runs as another user passes through.
    if mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP):
        yield warning(
            "home_open",
            f"Others may list or change the home {home} (mode {mode & 0o777:o}).",
            f"Run `chmod 700 {home}`.",
            path=str(home),
        )


CHECKS: Final = (
    Check("home", "Home folder", _home),
    Check("disk", "Free disk space", _room),
    Check("files", "Files with secrets", _private),
)
