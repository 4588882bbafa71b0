"""Giving up on a server that does not answer: its connection is cut, and what waits for it fails at once.

To cancel a statement does not help. The driver does so by a connection of its own, and waits until the server has taken
note of it, which one that stands still never does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


class Patience:
    """Cuts the connection that it watches unless the block is left within *seconds*.

    Attributes:
        has_cut: Whether it did.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None
        self.has_cut = False

    async def watch(self, connection: AsyncConnection) -> None:
        """Begin to count the seconds."""
        raw = await connection.get_raw_connection()

        def cut() -> None:
            # None once it is back in the pool, where it may be another's by now.
            if raw.driver_connection is not None:
                self.has_cut = True
                raw.driver_connection.terminate()

        self._timer = asyncio.get_running_loop().call_later(self._seconds, cut)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()


@asynccontextmanager
async def answering(engine: AsyncEngine, seconds: float) -> AsyncIterator[AsyncConnection]:
    """Yield a connection for a question whose answer must be there within *seconds*."""
    with Patience(seconds) as patience:
        async with engine.connect() as connection:
            await patience.watch(connection)
            yield connection
