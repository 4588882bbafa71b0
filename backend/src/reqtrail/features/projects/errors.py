"""What projects refuse."""

from __future__ import annotations

from reqtrail.kit.errors import Conflict


class ProjectKeyTaken(Conflict):
    """A project with this key exists, whether visible or not."""

    code = "project_key_taken"
    title = "The project key is taken"
