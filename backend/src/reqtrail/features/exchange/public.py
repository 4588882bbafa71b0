"""The front door of exchange."""

from __future__ import annotations

from reqtrail.features.exchange.kinds import KINDS
from reqtrail.features.exchange.repository.jobs import as_jobs as imports_as_jobs
from reqtrail.features.exchange.service.importing import run_next
from reqtrail.features.exchange.service.jobs import drop_abandoned, drop_dry_runs, queued_imports
from reqtrail.features.exchange.tasks import EXPORT

__all__ = [
    "EXPORT",
    "KINDS",
    "drop_abandoned",
    "drop_dry_runs",
    "imports_as_jobs",
    "queued_imports",
    "run_next",
]
