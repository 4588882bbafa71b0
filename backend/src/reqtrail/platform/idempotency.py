"""The answer to a write that happens once, however often it is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class StoredAnswer:
    """An answer that was given before: the HTTP status and the body's bytes (JSON)."""

    status: int
    body: bytes


Finish = Callable[[StoredAnswer], Awaitable[None]]
"""Keeps an answer in the transaction of the write that it answers."""
