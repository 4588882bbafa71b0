"""Who keeps the audit events that the platform collects."""

from __future__ import annotations

from reqtrail.features.audit.public import insert_event
from reqtrail.platform.auditing import register_writer


def register_audit() -> None:
    """Have the feature audit keep the events; calling it again changes nothing."""
    register_writer(insert_event)
