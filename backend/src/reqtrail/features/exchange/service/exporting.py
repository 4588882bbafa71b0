"""Exports: a project at any version as one ReqIF file, or as an archive of files with their attachments."""

from __future__ import annotations

import zipfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.errors import ExportNeedsArchive
from reqtrail.features.exchange.repository import export as repository
from reqtrail.features.exchange.repository import model
from reqtrail.features.exchange.repository.export import FileScope
from reqtrail.features.exchange.service.export_file import ExportedFile
from reqtrail.features.exchange.service.layout import lay_out
from reqtrail.features.files.public import load
from reqtrail.features.versioning.public import Snapshot, resolve_ref
from reqtrail.kit import clock
from reqtrail.kit.one_thread import OneThread
from reqtrail.platform.database.engine import Database

CHUNK: Final = 256 * 1024
"""Bytes that are gathered before they are sent."""
MEDIA_TYPES: Final = {"reqif": "application/xml", "reqifz": "application/zip"}
_EPOCH: Final = 1980
"""The first year that a zip archive can name."""


@dataclass(frozen=True)
class Export:
    """What is asked for. ``at`` is a ref; ``archive`` tells .reqifz from .reqif."""

    project_id: UUID
    key: str
    name: str
    at: str | None
    archive: bool


async def open_export(database: Database, export: Export) -> AsyncGenerator[bytes, None]:
    """Return the export as a stream; whatever refuses it is raised here, before the first byte.

    Raises:
        RefNotFound, RefInvalid, RefBeforeProject: If there is no such version.
        ExportNeedsArchive: If one file cannot hold the project.
    """
    stream = _stream(database, export)
    first = await anext(stream)

    async def rest() -> AsyncGenerator[bytes, None]:
        async with aclosing(stream):
            yield first
            async for piece in stream:
                yield piece

    return rest()


async def _stream(database: Database, export: Export) -> AsyncGenerator[bytes, None]:
    with OneThread("export") as thread:
        async with database.read_session() as session:
            snapshot = await resolve_ref(session, export.project_id, export.at)
            files = await _files(session, snapshot, export, thread)
            pieces = _pieces(session, snapshot, export, files, thread)
            async with aclosing(_gathered(pieces)) as gathered:
                async for piece in gathered:
                    yield piece


async def _pieces(
    session: AsyncSession,
    snapshot: Snapshot,
    export: Export,
    files: Sequence[tuple[UUID | None, ExportedFile]],
    thread: OneThread,
) -> AsyncGenerator[bytes, None]:
    if export.archive:
        pieces = _archive(session, snapshot, files, export.key, thread)
    elif len(files) == 1:
        pieces = _encoded(files[0][1])
    else:
        raise ExportNeedsArchive(
            f"The project holds {len(files)} imported files. Export it as .reqifz, which holds"
            " them all."
        )
    async with aclosing(pieces):
        async for piece in pieces:
            yield piece


async def _gathered(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Yield the same bytes in pieces of at least CHUNK."""
    gathered = bytearray()
    async with aclosing(pieces):
        async for piece in pieces:
            gathered += piece
            if len(gathered) >= CHUNK:
                yield bytes(gathered)
                gathered.clear()
    yield bytes(gathered)


async def _encoded(file: ExportedFile) -> AsyncGenerator[bytes, None]:
    async with aclosing(file.text()) as texts:
        async for text in texts:
            yield text.encode()


async def _files(
    session: AsyncSession, snapshot: Snapshot, export: Export, thread: OneThread
) -> list[tuple[UUID | None, ExportedFile]]:
    """Return the files to write by their package: one for each imported file, or one for all."""
    imported = await model.load_packages(session, snapshot)
    packages: Sequence[Row[Any] | None] = imported if imported else (None,)
    documents = await repository.schema_rows(session, snapshot, "document")
    ids = [row.entity_id for row in imported]
    moment = clock.isoformat(clock.now())
    files = []
    for number, package in enumerate(packages):
        package_id = package.entity_id if package is not None else None
        own = [row for row in documents if _home(row, ids) == package_id]
        scope = FileScope(
            snapshot=snapshot,
            package_id=package_id,
            others=[item for item in ids if item != package_id],
            is_first=number == 0,
            documents=[row.entity_id for row in own],
        )
        file = ExportedFile(session, scope, package, export.name, own, moment, thread)
        files.append((package_id, file))
    return files


def _home(document: Row[Any], packages: Sequence[UUID]) -> UUID | None:
    """Return the package of a document; one made in the product belongs to the first."""
    if not packages:
        return None
    brought = (document.extra or {}).get("p")
    return next((item for item in packages if str(item) == brought), packages[0])


class _Sink:
    """What a zip archive is written to: it cannot be sought, and gives its bytes away."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def write(self, data: bytes) -> int:
        """Take *data*."""
        self._bytes += data
        return len(data)

    def flush(self) -> None:
        """Do nothing: what was written is there."""

    def take(self) -> bytes:
        """Return what was written since the last call."""
        taken = bytes(self._bytes)
        self._bytes.clear()
        return taken


async def _archive(
    session: AsyncSession,
    snapshot: Snapshot,
    files: Sequence[tuple[UUID | None, ExportedFile]],
    key: str,
    thread: OneThread,
) -> AsyncGenerator[bytes, None]:
    sink = _Sink()
    packages = await model.load_packages(session, snapshot)
    layout = lay_out(packages, await repository.file_rows(session, snapshot), key)
    moment = max(snapshot.recorded_at.timetuple()[:6], (_EPOCH, 1, 1, 0, 0, 0))
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for package_id, file in files:
            entry = _entry(layout.documents[package_id], moment)
            with archive.open(entry, "w", force_zip64=True) as member:
                async with aclosing(_encoded(file)) as pieces:
                    async for piece in pieces:
                        await thread.run(member.write, piece)
                        yield sink.take()
        for name, sha256 in layout.attachments:
            data = await load(session, snapshot.project_id, sha256)
            if data is not None:
                await thread.run(archive.writestr, _entry(name, moment), data)
                yield sink.take()
    yield sink.take()


def _entry(name: str, moment: tuple[int, ...]) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, moment)  # type: ignore[arg-type]
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry
