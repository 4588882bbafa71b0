"""Values made fit to be kept in a record that nobody can change: no secrets, plain JSON, of bounded size."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

REDACTED: Final = "[redacted]"
MAX_TEXT: Final = 500
"""Characters of one text that are kept."""
MAX_ENTRIES: Final = 50
"""Members of one list or mapping that are kept; how many were left out is said."""
MAX_DEPTH: Final = 5

_SECRET_NAME = re.compile(
    r"passw|passphrase|secret|credential|authorization|cookie|private_?key|api_?key|signing_?key"
    r"|(^|_)(token|tokens|otp|totp|seed|pin|salt|hash|nonce|verifier|assertion)$"
    r"|recovery_?code|(^|_)(current|new)$|_code$|^code$|refresh",
    re.IGNORECASE,
)
"""Names of fields whose value is a secret or may be one. ``current`` and ``new`` are those of a change of password."""

_SECRET_VALUE = re.compile(
    r"rqt_[A-Za-z0-9_-]{8,}"  # a personal token
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?"  # a signed token
    r"|[0-9a-f]{32}\.[A-Za-z0-9_-]{40,}"  # a refresh token
    r"|\$2[aby]\$\d\d\$[./A-Za-z0-9]{40,}"  # a password's hash
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END[A-Z ]*-----|$)"
)


def is_secret_name(name: str) -> bool:
    """Return whether a field of this name is taken to hold a secret."""
    return _SECRET_NAME.search(name) is not None


def clean_text(text: str, most: int = MAX_TEXT) -> str:
    """Return *text* without what looks like a token, without NUL, cut after *most* characters."""
    safe = _SECRET_VALUE.sub(REDACTED, text).replace("\x00", "\ufffd")
    safe = safe.encode("utf-8", "replace").decode()
    return safe if len(safe) <= most else f"{safe[:most]}…"


def clean(value: Any, depth: int = 0) -> Any:
    """Return *value* as plain JSON of bounded size in which every secret is replaced by :data:`REDACTED`."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        # What is hashed later must have one spelling only.
        return value if isinstance(value, int) and abs(value) < 2**53 else str(value)
    if isinstance(value, Enum):
        return clean(value.value, depth)
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if depth >= MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return _clean_mapping(value, depth)
    if isinstance(value, list | tuple | set | frozenset):
        members = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
        kept = [clean(item, depth + 1) for item in members[:MAX_ENTRIES]]
        return kept + [f"… {len(members) - MAX_ENTRIES} more"] * (len(members) > MAX_ENTRIES)
    return clean_text(str(value))


def _clean_mapping(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    kept = {}
    for name, item in list(value.items())[:MAX_ENTRIES]:
        hidden = is_secret_name(str(name)) and item not in (None, "", [], {})
        kept[clean_text(str(name), 100)] = REDACTED if hidden else clean(item, depth + 1)
    if len(value) > MAX_ENTRIES:
        kept["…"] = f"{len(value) - MAX_ENTRIES} more"
    return kept
