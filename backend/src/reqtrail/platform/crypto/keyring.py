"""Master keys: the first one of the setting or of the file is active, the others are still understood."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from reqtrail.platform.crypto.envelope import KEY_BYTES, NONCE_BYTES
from reqtrail.platform.crypto.errors import KeysUnusable
from reqtrail.platform.settings import Settings, write_private

FILE_NAME: Final = "master.keys"
FEWEST_VALUES: Final = 8
"""A random key has about 30 different bytes of 32; one with fewer than this was typed, not made."""
_WRAPPING: Final = b"reqtrail data key 1\0"


@dataclass(frozen=True)
class MasterKey:
    """One master key. Its id follows from the key itself, so a key is never taken for another."""

    key_id: str
    _key: bytes = field(repr=False)

    @classmethod
    def read(cls, text: str) -> MasterKey:
        """Return the key that *text* writes down in base64.

        Raises:
            KeysUnusable: If it is not 32 random bytes.
        """
        try:
            key = base64.b64decode(text, validate=True)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES or len({*key}) < FEWEST_VALUES:
            raise KeysUnusable(
                f"A master key is {KEY_BYTES} random bytes in base64. `reqtrail keys make` prints one."
            )
        return cls(hashlib.sha256(b"reqtrail master key\0" + key).hexdigest()[:16], key)

    def wrap(self, key_id: UUID, project_id: UUID | None, data_key: bytes) -> bytes:
        """Return a data key, encrypted for its row."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self._key).encrypt(nonce, data_key, self._row(key_id, project_id))

    def unwrap(self, key_id: UUID, project_id: UUID | None, wrapped: bytes) -> bytes:
        """Return the data key that *wrapped* holds.

        Raises:
            KeysUnusable: If it was wrapped for another row, or changed.
        """
        row = self._row(key_id, project_id)
        try:
            return AESGCM(self._key).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], row)
        except InvalidTag:
            raise KeysUnusable(
                f"The data key {key_id} in the database was changed. Restore the table data_keys."
            ) from None

    def _row(self, key_id: UUID, project_id: UUID | None) -> bytes:
        owner = project_id.bytes if project_id else b""
        return _WRAPPING + self.key_id.encode() + key_id.bytes + owner


def new_key_text() -> str:
    """Return a new master key as it is written down."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


class Keyring:
    """The master keys of this process.

    Keys of a file are read again when a key is not known and before a data key is wrapped, so that a rotation needs no
    restart.
    """

    def __init__(self, settings: Settings) -> None:
        self.file: Path | None = None
        self._keys: dict[str, MasterKey] = {}
        if settings.master_keys is not None:
            self._take(settings.master_keys.get_secret_value().replace(",", "\n").splitlines())
        else:
            self.file = settings.master_key_file or settings.home / FILE_NAME
            self.reload()

    @property
    def source(self) -> str:
        """Where the keys come from, for messages."""
        return str(self.file) if self.file else "REQTRAIL_MASTER_KEYS"

    @property
    def keys(self) -> list[MasterKey]:
        """All keys, the active one first."""
        return [*self._keys.values()]

    @property
    def active(self) -> MasterKey:
        """The key that wraps.

        Raises:
            KeysUnusable: If there is none.
        """
        if not self._keys:
            raise KeysUnusable(f"There is no master key in {self.source}.")
        return self.keys[0]

    def find(self, key_id: str) -> MasterKey:
        """Return the key with an id.

        Raises:
            KeysUnusable: If it is not among them.
        """
        if key_id not in self._keys:
            self.reload()
        if key_id not in self._keys:
            raise missing(self.source, [key_id])
        return self._keys[key_id]

    def reload(self) -> None:
        """Read the file again; keys of a setting stay as they are.

        Raises:
            KeysUnusable: If it cannot be read.
        """
        if self.file is None:
            return
        try:
            self._take(self.file.read_text().splitlines())
        except FileNotFoundError:
            self._keys = {}
        except (OSError, UnicodeDecodeError) as error:
            raise KeysUnusable(
                f"The master keys in {self.file} cannot be read: {error}."
            ) from error

    def make_first(self) -> None:
        """Make a key in the file, unless there is one; of two processes that do, the second takes the first one's."""
        if self._keys or self.file is None:
            return
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mine = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        try:
            write_private(mine, new_key_text() + "\n")
            os.link(mine, self.file)
        except FileExistsError:
            pass
        finally:
            mine.unlink(missing_ok=True)
        self.reload()

    def add_active(self) -> MasterKey:
        """Put a new key in front of those of the file and return it.

        Raises:
            KeysUnusable: If the keys are a setting, which only its owner can change.
        """
        if self.file is None:
            raise KeysUnusable(
                "The master keys come from REQTRAIL_MASTER_KEYS. Add a new one there, after the"
                " present ones, on every machine; then put it first everywhere, and run"
                " `reqtrail keys rotate`."
            )
        present = self.file.read_text() if self.file.exists() else ""
        write_private(self.file, f"{new_key_text()}\n{present}")
        self.reload()
        return self.active

    def _take(self, lines: Iterable[str]) -> None:
        texts = (line.strip() for line in lines)
        found = [MasterKey.read(text) for text in texts if text and not text.startswith("#")]
        self._keys = {key.key_id: key for key in found}


def missing(source: str, key_ids: list[str]) -> KeysUnusable:
    """Return the error that says that secrets are encrypted with master keys that are not there."""
    names = ", ".join(sorted(key_ids))
    return KeysUnusable(
        f"Secrets in the database are encrypted with the master key {names}, which is not in {source}."
        " Put it back from your backup, or set REQTRAIL_MASTER_KEYS or REQTRAIL_MASTER_KEY_FILE."
    )
