"""Storing and loading attachments, and checking them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.files.tables import ATTACHMENT_BYTES, attachments
from reqtrail.platform.crypto import SecretUnreadable, seal, unseal
from reqtrail.platform.database.engine import Database

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_UNSAFE = re.compile(r"[^\w.() \[\]+-]", re.ASCII)
MAX_NAME = 120
_ENCRYPTS = "reqtrail_encrypts_attachments"


def encrypt_attachments(database: Database) -> None:
    """Have what is stored from now on through *database* encrypted; it must have its vault."""
    database.info[_ENCRYPTS] = True


def encrypts(session: AsyncSession) -> bool:
    """Return whether attachments that *session* stores are encrypted."""
    return bool(session.info.get(_ENCRYPTS))


async def store(session: AsyncSession, project_id: UUID, data: bytes) -> bytes:
    """Keep *data* once, encrypted if the instance does that; return its SHA-256."""
    digest = hashlib.sha256(data).digest()
    kept, sealed = data, encrypts(session)
    if sealed:
        kept = await seal(session, ATTACHMENT_BYTES, (project_id, digest), data)
    await session.execute(
        insert(attachments)
        .values(project_id=project_id, sha256=digest, size=len(data), data=kept, sealed=sealed)
        .on_conflict_do_nothing()
    )
    return digest


async def load(session: AsyncSession, project_id: UUID, sha256: bytes) -> bytes | None:
    """Return the bytes with this SHA-256.

    Raises:
        SecretUnreadable: If they are encrypted and were changed.
    """
    statement = select(attachments.c.data, attachments.c.sealed).where(
        attachments.c.project_id == project_id, attachments.c.sha256 == sha256
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else await _plain(session, project_id, sha256, row.data, row.sealed)


async def _plain(
    session: AsyncSession, project_id: UUID, sha256: bytes, data: bytes, sealed: bool
) -> bytes:
    if not sealed:
        return data
    return await unseal(session, ATTACHMENT_BYTES, (project_id, sha256), data)


async def corrupt(session: AsyncSession, project_id: UUID) -> AsyncIterator[tuple[bytes, str]]:
    """Yield ``(sha256, what is wrong)`` of the attachments that are not what their address says."""
    columns = (attachments.c.sha256, attachments.c.size, attachments.c.data, attachments.c.sealed)
    result = await session.stream(
        select(*columns)
        .where(attachments.c.project_id == project_id)
        .execution_options(yield_per=8)
    )
    async for sha256, size, kept, sealed in result:
        try:
            data = await _plain(session, project_id, sha256, kept, sealed)
        except SecretUnreadable:
            yield sha256, "The attachment's encrypted bytes were changed."
            continue
        if hashlib.sha256(data).digest() != sha256:
            yield sha256, "The attachment's bytes do not match its SHA-256."
        elif len(data) != size:
            yield sha256, "The attachment's size is not the recorded one."


def sniff(data: bytes, name: str) -> str:
    """Return the media type that the bytes themselves show: a safe raster picture, else ``octet-stream``.

    The name and what the sender says count for nothing, since a browser would be told to trust them.
    """
    for signature, media_type in _SIGNATURES:
        if data.startswith(signature):
            return media_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return "application/octet-stream"


def safe_name(name: str) -> str:
    """Return a file name without path, control characters, or anything that a shell, a browser or a zip acts on."""
    last = re.split(r"[/\\]", name)[-1]
    clean = _UNSAFE.sub("_", last).strip(". ")
    stem, dot, ending = clean.rpartition(".")
    if dot and len(clean) > MAX_NAME:
        clean = stem[: MAX_NAME - len(ending) - 1] + dot + ending
    return clean[:MAX_NAME] or "file"
