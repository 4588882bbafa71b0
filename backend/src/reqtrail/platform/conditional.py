"""Conditional reads: an ETag from the commit hash, so that an unchanged answer costs 304 and no work."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import Request, Response

from reqtrail.platform.encoding import json_bytes

FORMAT_VERSION = "1"
"""Part of every ETag and cache key; raised when the form of an answer changes."""


def etag_of(request: Request, commit_hash: bytes, *more: str) -> str:
    """Return the ETag of the answer to *request* at a commit: the path and the query count too."""
    seen: str = getattr(request.state, "seen_by", "")
    parts = (FORMAT_VERSION, commit_hash.hex(), request.url.path, request.url.query, seen, *more)
    return f'"{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}"'


def vary_by(request: Request, mark: bytes) -> None:
    """Give the answers to *request* other ETags than what is shown to those with another *mark* of what they see."""
    request.state.seen_by = mark.hex()


def not_modified(request: Request, etag: str) -> Response | None:
    """Return the 304 answer if the client holds *etag* already, else None."""
    known = request.headers.get("if-none-match", "")
    if etag in (item.strip().removeprefix("W/") for item in known.split(",")):
        return Response(status_code=304, headers=_headers(etag))
    return None


def json_response(content: Any, etag: str | None = None, status: int = 200) -> Response:
    """Return *content* as JSON bytes, written by orjson without passing through models."""
    body = content if isinstance(content, bytes) else json_bytes(content)
    return Response(
        body, status, headers=_headers(etag) if etag else None, media_type="application/json"
    )


def _headers(etag: str) -> dict[str, str]:
    return {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
