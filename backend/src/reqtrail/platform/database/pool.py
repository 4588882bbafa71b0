"""A pool of connections that says who waits for one, and for how long."""

from __future__ import annotations

from time import perf_counter

from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.pool.base import ConnectionPoolEntry

from reqtrail.platform.metrics import DATABASE_WAIT_SECONDS, DATABASE_WAITING


class MeasuredPool(AsyncAdaptedQueuePool):
    """The library's pool, measured.

    Attributes:
        label: What metrics call it.
    """

    label: str = "primary"

    def _do_get(self) -> ConnectionPoolEntry:
        is_full = self.checkedout() >= self.most
        waiting = DATABASE_WAITING.labels(self.label)
        began = perf_counter()
        if is_full:
            waiting.inc()
        try:
            return super()._do_get()
        finally:
            if is_full:
                waiting.dec()
            DATABASE_WAIT_SECONDS.labels(self.label).observe(perf_counter() - began)

    @property
    def most(self) -> int:
        """How many connections it may have."""
        return self.size() + self._max_overflow
