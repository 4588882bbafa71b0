"""The front door of files."""

from __future__ import annotations

from reqtrail.features.files.service import corrupt, load, safe_name, sniff, store
from reqtrail.features.files.tables import attachments

__all__ = ["attachments", "corrupt", "load", "safe_name", "sniff", "store"]
