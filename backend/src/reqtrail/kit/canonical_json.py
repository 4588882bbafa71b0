"""One byte sequence per JSON value, so that hashes of equal content are equal.

The form follows RFC 8785 (JCS) where Reqtrail needs it: keys sorted by code point, no white space, UTF-8.
Floats are refused: numbers that are no integers are kept as decimal strings everywhere in Reqtrail.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson


def canonical_bytes(value: Any) -> bytes:
    """Return the canonical form of *value*.

    Args:
        value: dict, list, tuple, str, int, bool, None, UUID, datetime (zoned) or bytes (as lower-case hex).

    Raises:
        TypeError: If the value holds a float or any other type.
    """
    return orjson.dumps(_plain(value), option=orjson.OPT_SORT_KEYS)


def contains_nul(value: Any) -> bool:
    """Tell whether any text inside a JSON *value* holds a NUL character, which PostgreSQL cannot store."""
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any("\x00" in str(key) or contains_nul(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return any(contains_nul(item) for item in value)
    return False


def _plain(value: Any) -> Any:
    # The exact types come first and strings inside containers are passed by: contents are mostly short strings, and
    # this runs for each value of each revision that is written or verified.
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is dict:
        return {
            (key if type(key) is str else str(key)): item if type(item) is str else _plain(item)
            for key, item in value.items()
        }
    if kind is list or kind is tuple:
        return [item if type(item) is str else _plain(item) for item in value]
    if kind is UUID:
        return str(value)
    return _other(value)


def _other(value: Any) -> Any:
    if isinstance(value, int):
        # orjson refuses integers beyond 64 bits; they keep their decimal digits, marked apart from strings.
        return value if -(2**63) <= value < 2**63 else {"$int": str(value)}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    raise TypeError(f"{type(value).__name__} has no canonical JSON form")
