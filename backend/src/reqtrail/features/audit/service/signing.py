"""The keys that sign the record (Ed25519): the first one signs, the others are still understood."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from reqtrail.features.audit.types import Checkpoint
from reqtrail.kit.clock import isoformat
from reqtrail.platform.settings import Settings

FILE_NAME: Final = "audit.keys"
KEY_BYTES: Final = 32


class SealKeys:
    """The keys of an instance.

    Args:
        seeds: 32 random bytes each, the one that signs first.

    Raises:
        ValueError: If there is none, or one is not 32 bytes long.
    """

    def __init__(self, seeds: Sequence[bytes]) -> None:
        if not seeds or any(len(seed) != KEY_BYTES for seed in seeds):
            raise ValueError(
                "REQTRAIL_AUDIT_KEYS needs 32 random bytes in base64 for each key, parted by commas"
            )
        keys = [Ed25519PrivateKey.from_private_bytes(seed) for seed in seeds]
        self._active = keys[0]
        self._known = {_key_id(key.public_key()): key.public_key() for key in keys}
        self.key_id = _key_id(self._active.public_key())

    def knows(self, key_id: str) -> bool:
        """Return whether the key *key_id* is among them."""
        return key_id in self._known

    def sign(self, text: bytes) -> bytes:
        """Return the signature under *text* by the active key."""
        return self._active.sign(text)

    def has_signed(self, checkpoint: Checkpoint) -> bool:
        """Return whether a known key made the signature of *checkpoint*."""
        key = self._known.get(checkpoint.key_id)
        if key is None:
            return False
        try:
            key.verify(checkpoint.signature, signed_text(checkpoint))
        except InvalidSignature:
            return False
        return True


def signed_text(checkpoint: Checkpoint) -> bytes:
    """Return what is signed: a few lines that say which tree, how large, its root and when."""
    return checkpoint_text(
        checkpoint.project_id, checkpoint.size, checkpoint.root, isoformat(checkpoint.signed_at)
    )


def checkpoint_text(project_id: UUID, size: int, root: bytes, signed_at: str) -> bytes:
    """Return the lines of a checkpoint; docs/operations.md describes them."""
    return f"reqtrail audit 1\n{project_id}\n{size}\n{root.hex()}\n{signed_at}\n".encode()


def load_keys(settings: Settings) -> SealKeys:
    """Return the keys of the setting or, without one, of ``audit.keys`` in the home, made at first need.

    Raises:
        ValueError: If they are no keys.
        OSError: If the home cannot be read or written.
    """
    if settings.audit_keys is not None:
        text = settings.audit_keys.get_secret_value().replace(",", "\n")
    else:
        text = _of_file(settings.home / FILE_NAME)
    return _read(text)


def find_keys(settings: Settings) -> SealKeys | None:
    """Return the keys as :func:`load_keys` does, but make none: None if there are none yet.

    Raises:
        ValueError: If they are no keys.
        OSError: If the home cannot be read.
    """
    if settings.audit_keys is None and not (settings.home / FILE_NAME).exists():
        return None
    return load_keys(settings)


def _read(text: str) -> SealKeys:
    try:
        seeds = [base64.b64decode(line, validate=True) for line in text.split()]
    except binascii.Error:
        seeds = []
    return SealKeys(seeds)


def _of_file(path: Path) -> str:
    """Return the content of *path*, made now if it is not there; of several processes one makes it."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = path.with_name(f".{path.name}.{os.getpid()}")
        made.touch(mode=0o600)
        made.write_text(base64.b64encode(os.urandom(KEY_BYTES)).decode() + "\n")
        try:
            os.link(made, path)
        except FileExistsError:
            pass  # another process was faster
        finally:
            made.unlink()
    return path.read_text()


def _key_id(key: Ed25519PublicKey) -> str:
    public = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(public).hexdigest()[:16]
