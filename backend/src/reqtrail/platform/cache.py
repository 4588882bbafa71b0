"""An in-process cache of what is addressed by commit: immutable by construction, so an entry is never stale."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any


class CommitCache:
    """A bounded cache with one loader a key.

    Args:
        max_weight: The sum of weights that is kept; the least recently used entries leave first.
    """

    def __init__(self, max_weight: int) -> None:
        self._max_weight = max_weight
        self._weight = 0
        self._entries: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._loading: dict[Hashable, asyncio.Lock] = {}
        self.hits = 0
        self.misses = 0

    async def get(self, key: Hashable, load: Callable[[], Awaitable[tuple[Any, int]]]) -> Any:
        """Return the entry of *key*; *load* gives (value, weight) when it is not there.

        Of several that miss at once one loads; a load that fails leaves nothing behind.
        """
        if key in self._entries:
            self.hits += 1
            self._entries.move_to_end(key)
            return self._entries[key][0]
        waiting = (id(asyncio.get_running_loop()), key)  # a lock belongs to one event loop
        async with self._loading.setdefault(waiting, asyncio.Lock()):
            if key in self._entries:
                self.hits += 1
                return self._entries[key][0]
            self.misses += 1
            try:
                value, weight = await load()
            finally:
                self._loading.pop(waiting, None)
            self._put(key, value, weight)
            return value

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._weight = 0

    def forget(self, belongs: Callable[[Hashable], bool]) -> None:
        """Forget the entries whose key *belongs* accepts."""
        for key in [key for key in self._entries if belongs(key)]:
            self._weight -= self._entries.pop(key)[1]

    def _put(self, key: Hashable, value: Any, weight: int) -> None:
        if weight > self._max_weight:
            return
        self._entries[key] = (value, weight)
        self._weight += weight
        while self._weight > self._max_weight:
            _, (_, gone) = self._entries.popitem(last=False)
            self._weight -= gone
