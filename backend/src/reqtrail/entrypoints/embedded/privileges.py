"""Running PostgreSQL, which refuses to be root, whoever starts Reqtrail.

* As a user: plainly.
* As root: inside a user namespace in which ``nobody`` stands for root outside. No system user is needed, files stay
  root's own, and a home below a folder of mode 0700 works.
* As root where user namespaces are forbidden (a default container): as an unprivileged user of the system, with the
  binaries and the data where that user can reach them.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from reqtrail.entrypoints.embedded.binaries import PgBinaries
from reqtrail.entrypoints.embedded.errors import StartError

_CLONE_NEWUSER = 0x10000000
NO_NAMESPACE_SWITCH = "REQTRAIL_EMBEDDED_NO_USERNS"
"""Environment switch that behaves as if user namespaces were forbidden."""


class Mode(StrEnum):
    """How the engine's processes get rid of root."""

    PLAIN = "plain"
    NAMESPACE = "namespace"
    UNPRIVILEGED = "unprivileged"


@dataclass(frozen=True)
class Runner:
    """Runs the engine's programs under the right identity.

    Attributes:
        bin: The folder of the binaries as that identity reaches it.
        owner: The (uid, gid) that owns data folders, when it is not the caller.
    """

    mode: Mode
    bin: Path
    owner: tuple[int, int] | None = None

    def run(self, tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run *tool* to its end and return what it printed, whatever its exit code."""
        return subprocess.run(
            [str(self.bin / tool), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=_environment(),
            umask=0o077,
            start_new_session=True,  # Ctrl-C is for the supervisor: it must not end initdb half-way
            user=self.owner[0] if self.owner else None,
            group=self.owner[1] if self.owner else None,
            extra_groups=[] if self.owner else None,
            preexec_fn=_enter_namespace() if self.mode is Mode.NAMESPACE else None,
        )

    def make_private_dir(self, path: Path) -> None:
        """Make *path* a folder of mode 0700 that the engine owns."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.owner:
            os.chown(path, *self.owner)
        path.chmod(0o700)


def choose_runner(binaries: PgBinaries, data: Path) -> Runner:
    """Return the runner for a data folder. An existing folder's owner decides; else what the system allows.

    Raises:
        StartError: If PostgreSQL cannot be run at all under this user.
    """
    if os.geteuid() != 0:
        return Runner(Mode.PLAIN, binaries.bin)
    existing = data.stat().st_uid if data.exists() else None
    if not existing and namespaces_work():
        return Runner(Mode.NAMESPACE, binaries.bin)
    if existing == 0:
        raise StartError(
            f"The data in {data} was made by root inside a user namespace, and this machine allows none"
            " now. Allow user namespaces, or set REQTRAIL_HOME to another folder."
        )
    account = _unprivileged_account(existing)
    return Runner(
        Mode.UNPRIVILEGED,
        reachable_copy(binaries, runtime_root()),
        (account.pw_uid, account.pw_gid),
    )


def runtime_root() -> Path:
    """Return the folder below which an unprivileged engine finds its binaries and, if need be, its data."""
    return Path(os.environ.get("REQTRAIL_RUNTIME_DIR", "/var/lib/reqtrail"))


def traversable(path: Path) -> bool:
    """Return whether every user can pass through *path* and all its parents that exist."""
    return all(
        folder.stat().st_mode & stat.S_IXOTH for folder in [path, *path.parents] if folder.exists()
    )


def namespaces_work() -> bool:
    """Return whether this process may make a user namespace (containers often forbid it)."""
    if os.environ.get(NO_NAMESPACE_SWITCH) == "1":
        return False
    try:
        return (
            subprocess.run(
                ["/bin/true"], preexec_fn=_enter_namespace(), check=False, capture_output=True
            ).returncode
            == 0
        )
    except (OSError, subprocess.SubprocessError):
        return False


def reachable_copy(binaries: PgBinaries, root: Path) -> Path:
    """Return a folder with the binaries that every user can reach, copying them below *root* if necessary.

    Raises:
        StartError: If *root* itself is not reachable.
    """
    if traversable(binaries.bin) and all(traversable(path) for path in binaries.roots):
        return binaries.bin
    root.mkdir(mode=0o711, parents=True, exist_ok=True)
    root.chmod(0o711)
    if not traversable(root):
        raise StartError(
            f"PostgreSQL cannot run as root, and {root} is not reachable for another user. Set"
            " REQTRAIL_RUNTIME_DIR to a folder that is, or run Reqtrail as an ordinary user."
        )
    if not binaries.roots:
        return binaries.bin
    base = binaries.roots[0].parent.parent
    target = root / f"postgresql-{binaries.major}-{binaries.bin.stat().st_mtime_ns:x}"
    if not target.exists():
        temporary = Path(tempfile.mkdtemp(dir=root, prefix=".copy-"))
        for source in binaries.roots:
            shutil.copytree(source, temporary / source.relative_to(base), symlinks=True)
        _make_readable(temporary)
        try:
            temporary.rename(target)
        except OSError:
            shutil.rmtree(temporary)  # another start was faster
    return target / binaries.bin.relative_to(base)


def _make_readable(root: Path) -> None:
    for folder, _, names in os.walk(root):
        os.chmod(folder, 0o755)  # nosec B103 - programs, which another user has to run
        for name in names:
            path = Path(folder) / name
            if not path.is_symlink():
                executable = path.stat().st_mode & 0o100
                path.chmod(0o755 if executable else 0o644)


def _unprivileged_account(uid: int | None) -> pwd.struct_passwd:
    if uid:
        return pwd.getpwuid(uid)
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise StartError(
        "PostgreSQL cannot run as root, and the system has neither a user postgres nor nobody."
    )


def _environment() -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "HOME": "/nonexistent",
        "TMPDIR": tempfile.gettempdir(),
    }


def _enter_namespace() -> Callable[[], None]:
    """Return a pre-exec hook that becomes ``nobody`` inside a new user namespace, mapped to root outside."""
    account = pwd.getpwnam("nobody")  # the inner uid must have a name, or initdb refuses
    libc = ctypes.CDLL(None, use_errno=True)

    def enter() -> None:
        if libc.unshare(_CLONE_NEWUSER) != 0:
            raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWUSER)")
        for name, content in (
            ("setgroups", "deny"),
            ("uid_map", f"{account.pw_uid} 0 1"),
            ("gid_map", f"{account.pw_gid} 0 1"),
        ):
            descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY)
            os.write(descriptor, content.encode())
            os.close(descriptor)

    return enter


def command(parts: Sequence[str]) -> str:
    """Return *parts* as PostgreSQL's ``-o`` option takes them."""
    return " ".join(f"-c {part}" for part in parts)
