"""Where the elements of a hierarchy stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_RANK_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def rank_of(position: int) -> str:
    """Return the rank of the sibling at *position*: ascending, and the same whenever a file is read again."""
    digits = ""
    for _ in range(5):
        position, value = divmod(position, 62)
        digits = _RANK_DIGITS[value] + digits
    return digits + "V"


@dataclass
class Place:
    """Where a hierarchy element stands: its own name, its document, its parent, its position among all and siblings."""

    identifier: str
    document: str
    parent: str | None
    order: int
    rank: str
    children: int = 0
