"""The built single-page application, served with the cache headers that it is built for.

Only files that were there at the start are served, looked up by their exact address, so no address leads outside.
"""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fastapi import Request, Response
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

ENCODINGS: Final = (("br", ".br"), ("gzip", ".gz"))
IMMUTABLE: Final = "public, max-age=31536000, immutable"
REVALIDATE: Final = "no-cache"


@dataclass
class _File:
    path: Path
    media_type: str
    encoded: dict[str, Path] = field(default_factory=dict)


class StaticSite:
    """The files below *root*, and ``index.html`` for every other address of the application."""

    def __init__(self, root: Path) -> None:
        self._files = _scan(root)

    def respond(self, request: Request) -> Response:
        """Return the file at the request's path, or the application's page.

        Raises:
            HTTPException: 404 for a missing asset: a page in its place would be cached as a script.
        """
        name = request.url.path.lstrip("/")
        file = self._files.get(name)
        if file is None:
            if name.startswith("assets/") or request.method not in {"GET", "HEAD"}:
                raise HTTPException(404)
            name, file = "index.html", self._files["index.html"]
        headers = {
            "Cache-Control": IMMUTABLE if name.startswith("assets/") else REVALIDATE,
            "Vary": "Accept-Encoding",
        }
        accepted = request.headers.get("accept-encoding", "")
        for encoding, path in file.encoded.items():
            if encoding in accepted:
                headers["Content-Encoding"] = encoding
                return FileResponse(path, headers=headers, media_type=file.media_type)
        return FileResponse(file.path, headers=headers, media_type=file.media_type)


def _scan(root: Path) -> dict[str, _File]:
    suffixes = tuple(suffix for _, suffix in ENCODINGS)
    files = {}
    for path in sorted(root.rglob("*")):
        if not path.is_file() or path.name.endswith(suffixes):
            continue
        guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        file = _File(path, "text/javascript" if path.suffix in {".js", ".mjs"} else guessed)
        for encoding, suffix in ENCODINGS:
            twin = path.with_name(path.name + suffix)
            if twin.is_file():
                file.encoded[encoding] = twin
        files[path.relative_to(root).as_posix()] = file
    return files
