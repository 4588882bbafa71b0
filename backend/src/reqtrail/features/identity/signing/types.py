"""Signing keys as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class StoredKey:
    """A row of the table: the active key has a private part, a retired one an end."""

    kid: str
    algorithm: str
    public_key: dict[str, Any]
    sealed_private_key: bytes | None
    created_at: datetime
    retired_at: datetime | None
    expires_at: datetime | None
