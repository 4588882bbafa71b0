"""The front door of files."""

from __future__ import annotations

from reqtrail.features.files.service import (
    corrupt,
    encrypt_attachments,
    encrypts,
    load,
    safe_name,
    sniff,
    store,
)
from reqtrail.features.files.tables import ATTACHMENT_BYTES, attachments

__all__ = [
    "ATTACHMENT_BYTES",
    "attachments",
    "corrupt",
    "encrypt_attachments",
    "encrypts",
    "load",
    "safe_name",
    "sniff",
    "store",
]
