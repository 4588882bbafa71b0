"""What traceability refuses."""

from __future__ import annotations

from reqtrail.kit.errors import Conflict, NotFound


class LinkNotFound(NotFound):
    """There is no such link at this version."""

    code = "link_not_found"
    title = "There is no such link"


class LinkBroken(Conflict):
    """A link would end at an item that does not exist, or at its own source."""

    code = "link_broken"
    title = "The link has no valid end"


class LinkExists(Conflict):
    """The two items are linked by this type already."""

    code = "link_exists"
    title = "This link exists already"
