"""Positions in the log of the primary: what a client that wrote sends along, so that it reads what it wrote.

In a header a position is written as PostgreSQL writes it, ``16/B374D848``; here it is the number of bytes.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from reqtrail.platform.database.access import Subject

POSITION_HEADER: Final = "Reqtrail-Position"
DEGRADED_HEADER: Final = "Reqtrail-Degraded"

UNKNOWN: Final = "unknown"
"""The value of the header where the primary was gone before it could be asked; its client keeps to it for a while."""

Position = int

_PAGE_HEADER: Final = 24
_WRITTEN: Final = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")


def read_position(text: str | None) -> Position | None:
    """Return the position that a header names; None if there is none, or it is no position."""
    found = _WRITTEN.fullmatch(text.strip()) if text is not None else None
    return int(found[1], 16) << 32 | int(found[2], 16) if found else None


def end_of_record(inserted: int, page: int) -> Position:
    """Return where the last record ends, of which *inserted* tells where the next one begins.

    If it filled its *page*, that is behind the header of the next page. A replica that has applied the record says
    where it ends, and would seem to be behind for as long as nothing else is written.
    """
    return inserted - _PAGE_HEADER if inserted % page == _PAGE_HEADER else inserted


def write_position(position: Position) -> str:
    """Return *position* as PostgreSQL writes it."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


@dataclass
class Reading:
    """How one request reads.

    Attributes:
        after: What was committed before this must be shown; None: only the primary is asked.
        affinity: Whoever reads with the same one keeps to one replica.
        subjects: Whose access the read goes by.
        is_again: Whether it failed at a replica before, and is for the primary therefore.
        target: Where it was read: ``primary``, ``replica``, or ``alone`` (a replica, as the primary is away).
    """

    after: Position | None = None
    affinity: int = 0
    subjects: Collection[Subject] = ()
    is_again: bool = False
    target: str = field(default="", init=False)


@dataclass
class Writing:
    """What the transactions of one request have written.

    Attributes:
        position: That of the newest one; None if there was none, or it is not known.
        wrote: Whether one was made durable.
    """

    position: Position | None = field(default=None, init=False)
    wrote: bool = field(default=False, init=False)

    def note(self, position: Position | None) -> None:
        """Note a transaction that was made durable before *position*."""
        self.position, self.wrote = position, True

    @property
    def header(self) -> str | None:
        """The value of the header of the answer, if there is anything to say."""
        if not self.wrote:
            return None
        return UNKNOWN if self.position is None else write_position(self.position)
