"""The JSON of lists of jobs."""

from __future__ import annotations

from pydantic import BaseModel

from reqtrail.platform.jobs.reading import JobRead


class JobPage(BaseModel):
    """Jobs, newest first. ``next`` is the cursor of the next page."""

    jobs: list[JobRead]
    next: str | None
