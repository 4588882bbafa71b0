"""Telling how far a long piece of work is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

Item = TypeVar("Item")

PIECE: Final = 1000
"""So many entities are read, merged or written between two tellings: a tenth of a second or two."""


class Progress:
    """Is told how far the work is, and tells nobody: of a request nobody sees it.

    What is told may end the work, by raising.
    """

    async def enter(self, phase: str, total: int) -> None:
        """Begin a phase that counts up to *total*; 0 if nobody knows."""
        await asyncio.sleep(0)

    async def advance(self, count: int) -> None:
        """Count what was done, and let others of the process have their turn."""
        await asyncio.sleep(0)


UNSEEN: Final = Progress()


def pieces(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Yield *items* in parts of PIECE."""
    for start in range(0, len(items), PIECE):
        yield items[start : start + PIECE]
