"""How values leave by API: JSON bytes written by orjson."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

_OPTIONS = orjson.OPT_UTC_Z


def json_bytes(content: Any) -> bytes:
    """Return *content* as JSON leaves by API."""
    return orjson.dumps(content, _encode, _OPTIONS)


def _encode(value: Any) -> str:
    """Encode what orjson does not know: asyncpg's own subclass of UUID."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be JSON")
