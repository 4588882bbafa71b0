"""The front door of audit. Features tell it what happens through ``platform.auditing``, since some lie below it."""

from __future__ import annotations

from reqtrail.features.audit.repository import insert_event
from reqtrail.features.audit.service.retention import retire_events
from reqtrail.features.audit.service.sealing import last_signer, seal_events, unsealed_seconds
from reqtrail.features.audit.service.signing import SealKeys, find_keys, load_keys
from reqtrail.features.audit.service.verifying import verify_events

__all__ = [
    "SealKeys",
    "find_keys",
    "insert_event",
    "last_signer",
    "load_keys",
    "retire_events",
    "seal_events",
    "unsealed_seconds",
    "verify_events",
]
