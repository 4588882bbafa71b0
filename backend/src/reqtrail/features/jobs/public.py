"""The front door of jobs."""

from __future__ import annotations

from reqtrail.features.jobs.schemas import JobPage

__all__ = ["JobPage"]
