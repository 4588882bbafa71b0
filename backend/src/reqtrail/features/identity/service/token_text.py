"""What an API token looks like: ``rqt_``, thirty random characters, and a checksum of six.

Prefix and checksum let a scanner of repositories and logs tell a token from any other text, without asking the server:
the last six characters are CRC-32 (as in zip) of those between prefix and checksum, in base 62 (digits, capitals, small
letters), most significant first. Tokens made before had no checksum; they are longer.
"""

from __future__ import annotations

import re
import secrets
import string
import zlib
from typing import Final

API_TOKEN_PREFIX: Final = "rqt_"  # noqa: S105 - a prefix, not a secret
_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM: Final = 30
"""178 bits."""
_CHECKSUM: Final = 6
_SHAPE: Final = re.compile(r"rqt_([0-9A-Za-z]{30})([0-9A-Za-z]{6})")
_SHAPE_BEFORE: Final = re.compile(r"rqt_[0-9A-Za-z_-]{43}")
HINT_LENGTH: Final = 9


def new_token() -> str:
    """Return a token that nobody has."""
    content = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return f"{API_TOKEN_PREFIX}{content}{checksum(content)}"


def checksum(content: str) -> str:
    """Return the six characters that follow *content* in a token."""
    value, digits = zlib.crc32(content.encode()), ""
    while len(digits) < _CHECKSUM:
        value, digit = divmod(value, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits


def is_well_formed(token: str) -> bool:
    """Return whether *token* can be one of ours. It says nothing about whether it is good."""
    found = _SHAPE.fullmatch(token)
    if found is None:
        return _SHAPE_BEFORE.fullmatch(token) is not None
    return checksum(found[1]) == found[2]


def hint_of(token: str) -> str:
    """Return the beginning of *token*, by which its owner recognises it."""
    return token[:HINT_LENGTH]
