"""An in-process cache of what is addressed by commit: immutable by construction, so an entry is never stale."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakSet


class NamedCache(Protocol):
    """A cache that says how often it had what was asked of it."""

    name: str
    hits: int
    misses: int


_named: WeakSet[NamedCache] = WeakSet()


def named_caches() -> list[NamedCache]:
    """Return the caches of this process."""
    return list(_named)


class Lookups:
    """What was asked of a cache that is not of this process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.hits = 0
        self.misses = 0
        _named.add(self)


class CommitCache:
    """A bounded cache with one loader a key.

    Args:
        name: What metrics call it.
        max_weight: The sum of weights that is kept; the least recently used entries leave first.
    """

    def __init__(self, name: str, max_weight: int) -> None:
        self.name = name
        self._max_weight = max_weight
        self._weight = 0
        self._entries: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._loading: dict[Hashable, asyncio.Lock] = {}
        self.hits = 0
        self.misses = 0
        _named.add(self)

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

    def peek(self, key: Hashable) -> Any:
        """Return the entry of *key*, or None; it counts neither as a hit nor as a use."""
        entry = self._entries.get(key)
        return None if entry is None else entry[0]

    def put(self, key: Hashable, value: Any, weight: int) -> None:
        """Keep what its maker knows already, so that nobody needs to load it."""
        if key not in self._entries:
            self._put(key, value, weight)

    def drop(self, key: Hashable) -> None:
        """Forget the entry of *key*, if there is one."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._weight -= entry[1]

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


Sized = TypeVar("Sized", str, bytes)


class SizedCache(Generic[Sized]):
    """A bounded cache of texts or bytes, safe to use from several threads.

    Args:
        name: What metrics call it.
        max_bytes: About how much memory the entries take; the least recently used leave first.
    """

    _OVERHEAD = 250

    def __init__(self, name: str, max_bytes: int) -> None:
        self.name = name
        self.hits = 0
        self.misses = 0
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[Hashable, Sized] = OrderedDict()
        self._lock = threading.Lock()
        _named.add(self)

    def get(self, key: Hashable) -> Sized | None:
        """Return the entry of *key*, if it is there."""
        return self.get_many((key,))[0]

    def get_many(self, keys: Iterable[Hashable]) -> list[Sized | None]:
        """Return the entry of each of *keys*, or None."""
        found = []
        with self._lock:
            entries = self._entries
            for key in keys:
                value = entries.get(key)
                if value is None:
                    self.misses += 1
                else:
                    self.hits += 1
                    entries.move_to_end(key)
                found.append(value)
        return found

    def put(self, key: Hashable, value: Sized) -> None:
        """Keep *value* under *key*."""
        with self._lock:
            if key in self._entries:
                return
            self._entries[key] = value
            self._bytes += len(value) + self._OVERHEAD
            while self._bytes > self._max_bytes:
                _, gone = self._entries.popitem(last=False)
                self._bytes -= len(gone) + self._OVERHEAD

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0
