"""What tells a browser the name of a file, whatever characters the name has."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal
from urllib.parse import quote

MAX_NAME: Final = 150
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9 ._()+-]")
_ATTR_CHARS: Final = "!#$&+-.^_`|~"
"""What RFC 8187 leaves as it is, besides letters and digits."""


def disposition(kind: Literal["inline", "attachment"], name: str) -> str:
    """Return the value of ``Content-Disposition`` (RFC 6266): *name* exactly, and in plain letters for old programs.

    What separates folders becomes ``_``. Controls, and marks that turn the direction of writing round so that an
    ending looks like another, are left out.
    """
    last = "".join(
        "_" if char in '/\\:*?"<>|' else char
        for char in unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode())
        if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    ).strip(". ")
    shown = _shortened(last) or "file"
    plain = _NOT_PLAIN.sub("_", shown).strip() or "file"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(shown, safe=_ATTR_CHARS)}"


def _shortened(name: str) -> str:
    """Return the name, its middle cut so that the ending stays."""
    stem, dot, ending = name.rpartition(".")
    if len(name) <= MAX_NAME or not dot or len(ending) > 20:
        return name[:MAX_NAME]
    return stem[: MAX_NAME - len(ending) - 1] + dot + ending
