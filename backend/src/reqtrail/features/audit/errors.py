"""What audit refuses."""

from __future__ import annotations

from reqtrail.kit.errors import Invalid


class CursorInvalid(Invalid):
    """The cursor is none that a page of events ended with."""

    code = "cursor_invalid"
    title = "The cursor is not valid"
