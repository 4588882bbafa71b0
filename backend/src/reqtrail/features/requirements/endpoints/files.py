"""Pictures and other files inside rich text."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import File, Path, Request, Response, UploadFile

from reqtrail.features.access.public import FileReader, ItemWriter
from reqtrail.features.requirements.schemas import FileAnswer
from reqtrail.features.requirements.service import attachments
from reqtrail.features.versioning.public import MAIN, BranchName, edit_request
from reqtrail.platform.database.session import ReadSession, WriteSession, record_read
from reqtrail.platform.download import disposition
from reqtrail.platform.http import ApiRouter

router = ApiRouter(prefix="/files")

_HEX = re.compile(r"[0-9a-f]{64}")


@router.post("", operation_id="upload_file", status_code=201)
async def upload_file(
    context: ItemWriter,
    session: WriteSession,
    file: Annotated[UploadFile, File()],
    branch: BranchName = MAIN,
) -> FileAnswer:
    """Upload a file, to be referred to by a rich text. The same bytes are stored once."""
    data = await file.read()
    made = await attachments.add_file(
        session, edit_request(context, branch, ""), context.key, file.filename or "", data
    )
    return FileAnswer.model_validate(made)


@router.get("/{sha256}/{name}", operation_id="get_file", response_class=Response)
async def get_file(
    request: Request,
    sha256: Annotated[str, Path(max_length=64)],
    name: str,
    context: FileReader,
    session: ReadSession,
) -> Response:
    """Return the bytes of a file. Only raster pictures are shown inline; nothing in them can run."""
    digest = bytes.fromhex(sha256) if _HEX.fullmatch(sha256) else b""
    data, media_type = await attachments.load_file(session, context.project_id, digest)
    await record_read(request, "file:download", ("file", digest.hex()), {"name": name})
    inline = media_type in attachments.INLINE
    return Response(
        data,
        media_type=media_type if inline else "application/octet-stream",
        headers={
            "Content-Disposition": disposition("inline" if inline else "attachment", name),
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, max-age=31536000, immutable",
        },
    )
