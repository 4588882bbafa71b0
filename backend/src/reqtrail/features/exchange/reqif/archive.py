"""Opening an upload: one ``.reqif``, or a ``.reqifz`` with several and attachments. Hostile archives are refused."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from reqtrail.features.exchange.errors import ArchiveTooLarge, BadArchive, NotReqif, NotXml

MAX_ENTRIES: Final = 20_000
MAX_UNPACKED: Final = 8_000_000_000
MAX_ATTACHMENT: Final = 100_000_000
MAX_RATIO: Final = 200
"""Real archives of XML stay below 100:1 as a whole; bombs are far above."""
RATIO_FREE_BYTES: Final = 10_000_000
"""Up to this size a high ratio is harmless."""


@dataclass(frozen=True)
class Member:
    """One file of an upload. ``path`` is empty for an upload that is a single ReqIF file."""

    path: str
    size: int


class Upload:
    """An uploaded file on disk, opened and checked.

    Attributes:
        documents: The ReqIF files in it.
        attachments: Everything else in it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._zip: zipfile.ZipFile | None = None
        size = path.stat().st_size
        if size == 0:
            raise NotXml("The file is empty: it has 0 bytes.")
        with path.open("rb") as head:
            packed = head.read(4) == b"PK\x03\x04"
        if packed and not zipfile.is_zipfile(path):
            raise BadArchive("The file begins like a zip archive, but its directory is missing.")
        if zipfile.is_zipfile(path):
            self._open_archive(size)
        else:
            self.documents = [Member("", size)]
            self.attachments: list[Member] = []

    def close(self) -> None:
        """Close the archive."""
        if self._zip is not None:
            self._zip.close()

    def open(self, member: Member) -> IO[bytes]:
        """Return the bytes of a member as a stream."""
        if self._zip is None:
            return self._path.open("rb")
        return self._zip.open(member.path)

    def read(self, member: Member) -> bytes:
        """Return the bytes of an attachment.

        Raises:
            BadArchive: If they do not match their checksum.
        """
        try:
            with self.open(member) as stream:
                return stream.read()
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise BadArchive(f"“{member.path}” in the archive is damaged: {error}.") from None

    def _open_archive(self, size: int) -> None:
        try:
            self._zip = zipfile.ZipFile(self._path)
            entries = self._zip.infolist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise BadArchive(f"The archive cannot be read: {error}.") from None
        if len(entries) > MAX_ENTRIES:
            raise ArchiveTooLarge(f"The archive has {len(entries)} entries; {MAX_ENTRIES} at most.")
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > MAX_UNPACKED or (unpacked > RATIO_FREE_BYTES and unpacked > size * MAX_RATIO):
            raise ArchiveTooLarge(
                f"The archive of {size} bytes would unpack to {unpacked} bytes, which looks like an"
                " attack."
            )
        members = list(self._members(entries))
        self.documents = [item for item in members if item.path.lower().endswith(".reqif")]
        self.attachments = [item for item in members if item not in self.documents]
        if not self.documents:
            raise NotReqif("The archive holds no file that ends with .reqif.")
        for item in self.attachments:
            if item.size > MAX_ATTACHMENT:
                raise ArchiveTooLarge(
                    f"“{item.path}” has {item.size} bytes; an attachment has {MAX_ATTACHMENT} at most."
                )

    @staticmethod
    def _members(entries: list[zipfile.ZipInfo]) -> Iterator[Member]:
        seen = set()
        for entry in entries:
            if entry.is_dir():
                continue
            path = PurePosixPath(entry.filename.replace("\\", "/"))
            if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
                raise BadArchive(f"“{entry.filename}” would lie outside the archive.")
            if stat.S_ISLNK(entry.external_attr >> 16):
                raise BadArchive(f"“{entry.filename}” is a symbolic link.")
            if entry.flag_bits & 0x1:
                raise BadArchive(f"“{entry.filename}” is encrypted. Send it without a password.")
            if entry.filename in seen:
                raise BadArchive(f"“{entry.filename}” is in the archive twice.")
            seen.add(entry.filename)
            yield Member(entry.filename, entry.file_size)
