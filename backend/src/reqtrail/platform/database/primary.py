"""What a process knows of the primary: whether it answers, and since when it does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from reqtrail.platform.circuit import Circuit
from reqtrail.platform.database.away import PrimaryAway

BRIEF_SECONDS: Final = 3.0
"""For so long after the primary has gone away readers wait for it to come back; then they are told at once."""


class Primary:
    """Guards the connecting to the primary of one process."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.circuit = Circuit("postgresql", monotonic=monotonic)
        self._monotonic = monotonic
        self._away_since: float | None = None

    @property
    def is_away(self) -> bool:
        """Tell whether the last that was heard of the primary is that it does not answer."""
        return self._away_since is not None

    @property
    def is_briefly_away(self) -> bool:
        """Tell whether it went away so short a time ago that it is worth waiting for."""
        since = self._away_since
        return since is not None and self._monotonic() - since < BRIEF_SECONDS

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Connect within this block; an ``OSError`` says that the primary is away.

        Raises:
            PrimaryAway: If it is, or did not answer again and again and is left alone for a moment.
        """
        try:
            with self.circuit.call(OSError):
                yield
        except OSError as error:
            self.lost()
            raise PrimaryAway("the primary does not take connections") from error
        self._away_since = None

    def lost(self) -> None:
        """Note that a connection to it broke."""
        if self._away_since is None:
            self._away_since = self._monotonic()
