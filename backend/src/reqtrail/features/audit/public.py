"""The front door of audit. Features tell it what happens through ``platform.auditing``, since some lie below it."""

from __future__ import annotations

from reqtrail.features.audit.repository import insert_event
from reqtrail.features.audit.service.retention import retire_events
from reqtrail.features.audit.service.sealing import seal_events
from reqtrail.features.audit.service.signing import SealKeys, load_keys
from reqtrail.features.audit.service.verifying import verify_events

__all__ = ["SealKeys", "insert_event", "load_keys", "retire_events", "seal_events", "verify_events"]
