"""Identifiers made in Python, so that no database version or sequence is needed."""

from __future__ import annotations

from uuid import UUID

import uuid_utils


def new_id() -> UUID:
    """Return a new UUIDv7 (RFC 9562): ordered by creation time, so indexes stay dense."""
    return UUID(int=uuid_utils.uuid7().int)
