"""What lists of jobs are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from reqtrail.platform.jobs.types import JobStatus

Row = Mapping[str, Any]
"""A job by column; with ``project_key``."""


@dataclass(frozen=True)
class Place:
    """Where a page begins: after the job that this describes."""

    created_at: datetime
    job_id: UUID


@dataclass(frozen=True)
class Search:
    """Which jobs are asked for; None asks for all.

    Attributes:
        project_id: Those of a project; ``author_id``: those that somebody asked for.
    """

    project_id: UUID | None = None
    author_id: UUID | None = None
    job_id: UUID | None = None
    states: tuple[JobStatus, ...] = ()
    kinds: tuple[str, ...] = ()
