"""The front door of exchange."""

from __future__ import annotations

from reqtrail.features.exchange.kinds import KINDS
from reqtrail.features.exchange.service.jobs import drop_abandoned, drop_dry_runs
from reqtrail.features.exchange.tasks import EXPORT, IMPORT

__all__ = [
    "EXPORT",
    "IMPORT",
    "KINDS",
    "drop_abandoned",
    "drop_dry_runs",
]
