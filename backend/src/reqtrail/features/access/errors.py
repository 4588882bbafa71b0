"""What access refuses, each with a stable code."""

from __future__ import annotations

from reqtrail.kit.errors import Conflict, Forbidden, NotFound


class ProjectNotFound(NotFound):
    """There is no such project, or the actor may not know of it."""

    code = "project_not_found"
    title = "There is no such project"


class ProjectArchived(Conflict):
    """The project is archived: it can be read, not changed."""

    code = "project_archived"
    title = "The project is archived"


class ReadingRestricted(Forbidden):
    """It would show, or change, something of the project that the actor may not read."""

    code = "reading_restricted"
    title = "Some of this may not be read by you"


class LastOwner(Conflict):
    """The change would leave the project without an owner."""

    code = "last_owner"
    title = "A project needs an owner"


class GroupNotFound(NotFound):
    """There is no such group, or the actor may not know of it."""

    code = "group_not_found"
    title = "There is no such group"


class GroupNameTaken(Conflict):
    """There is a group with this name."""

    code = "group_name_taken"
    title = "There is a group with this name"


class MemberNotFound(NotFound):
    """The user is no member of the project."""

    code = "member_not_found"
    title = "There is no such member"


class RestrictionNotFound(NotFound):
    """Every member may read the thing already."""

    code = "restriction_not_found"
    title = "Every member may read this"
