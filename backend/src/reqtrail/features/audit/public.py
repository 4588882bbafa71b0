"""The front door of audit. Features tell it what happens through ``platform.auditing``, since some lie below it."""

from __future__ import annotations

from reqtrail.features.audit.repository import insert_event

__all__ = ["insert_event"]
