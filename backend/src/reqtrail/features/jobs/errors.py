"""What jobs refuse."""

from __future__ import annotations

from reqtrail.kit.errors import Forbidden, Invalid


class JobCursorInvalid(Invalid):
    """The cursor is none that a page of jobs ended with."""

    code = "job_cursor_invalid"
    title = "The cursor is not valid"


class NotYourJob(Forbidden):
    """Somebody else asked for the job."""

    code = "not_your_job"
    title = "Somebody else asked for this job"
