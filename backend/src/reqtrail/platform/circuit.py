"""Circuit breakers: what keeps failing is asked no more for a while, so that nobody waits for it in vain.

A circuit is closed (all calls go through), open (each fails at once) or half open (one call tries, the others still
fail at once); after M. Nygard, *Release It!*. Libraries let every caller try when the pause is over: a flood would
then wait out the timeout of a dependency that still stands still.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from reqtrail.platform.metrics import CIRCUIT_OPEN, CIRCUIT_REFUSED

logger = structlog.get_logger()

FAILURES: Final = 3
FIRST_SECONDS: Final = 0.5
LONGEST_SECONDS: Final = 5.0


class CircuitOpen(ConnectionError):
    """A dependency failed again and again, and is left alone for a while."""


class Circuit:
    """Guards one dependency within one process and event loop.

    Args:
        name: What logs and metrics call the dependency.
        failures: How many calls in a row have to fail before it opens.
        monotonic: The clock, in seconds.
        spread: Returns the factor (0.5 to 1) by which a pause is shortened, so that processes do not try in step.
    """

    def __init__(
        self,
        name: str,
        *,
        failures: int = FAILURES,
        monotonic: Callable[[], float] = time.monotonic,
        spread: Callable[[], float] = lambda: random.uniform(0.5, 1),  # nosec B311
    ) -> None:
        self.name = name
        self._threshold = failures
        self._monotonic = monotonic
        self._spread = spread
        self._failed = 0
        self._until = 0.0
        self._trying = False
        CIRCUIT_OPEN.labels(name).set(0)

    @property
    def is_open(self) -> bool:
        """Tell whether calls fail at once, but for one that tries."""
        return self._failed >= self._threshold

    @contextmanager
    def call(self, *failures: type[BaseException]) -> Iterator[None]:
        """Run one call of the dependency, in which *failures* say that it is away.

        What else is raised, or a call that is cancelled, says nothing about the dependency.

        Raises:
            CircuitOpen: If the dependency is left alone at present; the call is not made.
        """
        tries = self.is_open
        if tries and (self._trying or self._monotonic() < self._until):
            CIRCUIT_REFUSED.labels(self.name).inc()
            raise CircuitOpen(f"{self.name} did not answer, and is not asked for a moment.")
        self._trying = self._trying or tries
        try:
            yield
        except failures as error:
            self._fail(error)
            raise
        else:
            self._succeed()
        finally:
            if tries:
                self._trying = False

    def _fail(self, error: BaseException) -> None:
        was_open = self.is_open
        self._failed += 1
        if not self.is_open:
            return
        pause = min(FIRST_SECONDS * 2 ** min(self._failed - self._threshold, 10), LONGEST_SECONDS)
        self._until = self._monotonic() + pause * self._spread()
        if not was_open:
            CIRCUIT_OPEN.labels(self.name).set(1)
            logger.warning("circuit_opened", dependency=self.name, error=type(error).__name__)

    def _succeed(self) -> None:
        if self.is_open:
            CIRCUIT_OPEN.labels(self.name).set(0)
            logger.info("circuit_closed", dependency=self.name)
        self._failed = 0
