"""The front door of traceability."""

from __future__ import annotations

from reqtrail.features.traceability import repository
from reqtrail.features.traceability.kinds import KINDS
from reqtrail.features.traceability.service import (
    check_links,
    delete_links_of_items,
    links_to_restore,
)

READINGS = repository.READINGS

__all__ = ["KINDS", "READINGS", "check_links", "delete_links_of_items", "links_to_restore"]
