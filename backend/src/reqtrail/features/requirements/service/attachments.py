"""Files of a project: named, versioned, their bytes addressed by hash."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import withheld_in
from reqtrail.features.files.public import corrupt, load, safe_name, sniff, store
from reqtrail.features.requirements import repository
from reqtrail.features.requirements.errors import WriteInvalid
from reqtrail.features.requirements.richtext import object_paths
from reqtrail.features.requirements.richtext.render import RASTER, file_url
from reqtrail.features.versioning.public import (
    Action,
    CommitRequest,
    Content,
    Operation,
    Problem,
    commit,
    lock_head,
    resolve_ref,
)
from reqtrail.kit.errors import NotFound
from reqtrail.kit.ids import new_id

MAX_BYTES: Final = 25_000_000
INLINE: Final = frozenset(RASTER)


class FileNotFound(NotFound):
    """No version of the project ever referred to a file with this hash."""

    code = "file_not_found"
    title = "There is no such file"


async def add_file(
    session: AsyncSession, request: CommitRequest, key: str, name: str, data: bytes
) -> dict[str, Any]:
    """Keep a file; uploading the same bytes under the same name again gives the file that is there.

    Args:
        request: Who uploads it to which branch.
        key: The key of the project, for the file's address.

    Raises:
        WriteInvalid: If it is empty or larger than MAX_BYTES.
    """
    if not data or len(data) > MAX_BYTES:
        raise WriteInvalid(f"A file has 1 to {MAX_BYTES} bytes; this one has {len(data)}.")
    project_id = request.project_id
    # Under the lock, so that no redaction drops the bytes between this and the file that refers to them.
    head = await lock_head(session, project_id, request.branch)
    sha256 = await store(session, project_id, data)
    path = f"media/{sha256.hex()[:12]}/{safe_name(name)}"
    media_type = sniff(data, name)
    found = (await repository.load_files(session, head, [path])).get(path)
    entity_id = found.entity_id if found else new_id()
    if found is None:
        fields = {
            "path": path,
            "sha256": sha256,
            "media_type": media_type,
            "size": len(data),
            "package_id": None,
            "extra": None,
        }
        # Not an edit: undo is for what a person did to a document, and the text that shows the file comes after it.
        made = replace(request, message=f"File {safe_name(name)} added", kind="upload")
        await commit(session, made, [Operation(Action.CREATE, "file", entity_id, fields)])
    return {
        "path": path,
        "sha256": sha256.hex(),
        "url": file_url(key, sha256, path),
        "media_type": media_type,
        "size": len(data),
        "entity_id": entity_id,
    }


async def load_file(session: AsyncSession, project_id: UUID, sha256: bytes) -> tuple[bytes, str]:
    """Return the bytes of a file and the media type that they show.

    Raises:
        FileNotFound: If no version of the project refers to it, or only texts that *session* withholds show it.
    """
    found = await repository.file_is_referenced(session, project_id, sha256)
    if found is not None and withheld_in(session):
        head = await resolve_ref(session, project_id, None)
        if await repository.file_is_withheld(session, head, sha256):
            found = None
    if found is not None:
        data = await load(session, project_id, sha256)
        if data is not None:
            return data, sniff(data, "")
    raise FileNotFound("There is no such file in this project.")


async def verify_attachments(session: AsyncSession, project_id: UUID) -> AsyncIterator[Problem]:
    """Yield the attachments whose bytes are not what their address says, and the files that have none."""
    async for sha256, detail in corrupt(session, project_id):
        yield Problem("attachment", f"{sha256.hex()}: {detail}", "attachment")
    for entity_id, seq, sha256 in await repository.files_without_bytes(session, project_id):
        yield Problem("attachment", f"{sha256.hex()}: The bytes are gone.", "file", entity_id, seq)


async def files_only_in(
    session: AsyncSession,
    project_id: UUID,
    contents: Sequence[tuple[str, Content]],
    redacted: Collection[tuple[UUID, int]],
) -> dict[str, set[UUID]]:
    """Return the files that are embedded in redacted *contents* and in no text that stays, at any version."""
    paths = {path for _, content in contents for path in _embedded(content.get("attributes"))}
    if paths or any(kind == "file" for kind, _ in contents):
        await store(session, project_id, b"")  # what a redacted file refers to
    if not paths:
        return {}
    async for entity_id, seq, attributes in repository.texts_with_objects(session, project_id):
        if (entity_id, seq) not in redacted:
            paths -= _embedded(attributes)
    return {"file": await repository.files_called(session, project_id, paths)} if paths else {}


def _embedded(attributes: Mapping[str, Any] | None) -> set[str]:
    return object_paths(value for value in (attributes or {}).values() if isinstance(value, str))


async def drop_unreferenced(session: AsyncSession, project_id: UUID) -> None:
    """Drop the bytes that no version of a file refers to any more, after a redaction."""
    await repository.drop_attachments(session, project_id)
