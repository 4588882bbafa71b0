"""The front door of exchange."""

from __future__ import annotations

from reqtrail.features.exchange.kinds import KINDS
from reqtrail.features.exchange.service.importing import run_next
from reqtrail.features.exchange.service.jobs import drop_abandoned, drop_dry_runs, queued_imports

__all__ = ["KINDS", "drop_abandoned", "drop_dry_runs", "queued_imports", "run_next"]
