"""What may be asked of the import of a history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from reqtrail.features.exchange.errors import HistoryInvalid
from reqtrail.features.exchange.service.histories.claims import split_baselines
from reqtrail.features.exchange.types import HistoryRequest
from reqtrail.kit.canonical_json import contains_nul

LINES: Final = (".jsonl", ".jsonl.gz")
"""How the names of files of replay lines end."""


def ask_history(
    file_name: str,
    *,
    author: str | None,
    authored_at: datetime | None,
    baselines: Sequence[str],
    as_owner: bool,
) -> HistoryRequest:
    """Return the request for the import of a file, whose name tells what it holds.

    Raises:
        HistoryInvalid: If a date or an author is given for lines, which say them, or a text is none.
    """
    lines = file_name.lower().endswith(LINES)
    if lines and (author is not None or authored_at is not None):
        raise HistoryInvalid("Each line says its date and its author itself: leave them out.")
    if contains_nul([author, *baselines]):
        raise HistoryInvalid("A name holds a NUL character.")
    split_baselines(baselines)
    return HistoryRequest(
        lines=lines,
        sha256="",
        as_owner=as_owner,
        baselines=tuple(baselines),
        author=author,
        authored_at=None if authored_at is None else authored_at.isoformat(),
    )
