"""What the version engine refuses, each with a stable code."""

from __future__ import annotations

from reqtrail.kit.errors import Conflict, Invalid, NotFound


class RefNotFound(NotFound):
    """The ref names a branch or a sequence that does not exist."""

    code = "ref_not_found"
    title = "There is no such version"


class RefInvalid(Invalid):
    """The ref cannot be read."""

    code = "ref_invalid"
    title = "The ref cannot be read"


class RefBeforeProject(NotFound):
    """The date lies before the project's first commit."""

    code = "ref_before_project"
    title = "The project did not exist yet"


class EntityNotFound(NotFound):
    """An operation names an entity that does not exist in the project."""

    code = "entity_not_found"
    title = "There is no such entity"


class EntityExists(Conflict):
    """An operation creates an entity whose id or key is taken."""

    code = "entity_exists"
    title = "The id or key is taken"


class OperationInvalid(Invalid):
    """An operation does not fit its kind."""

    code = "operation_invalid"
    title = "The operation does not fit"


class BaseInvalid(Invalid):
    """The base sequence lies after the head."""

    code = "base_invalid"
    title = "The base version does not exist"


class EditConflict(Conflict):
    """The same thing was changed differently since the base; ``conflicts`` lists base, ours and theirs per field."""

    code = "edit_conflict"
    title = "Somebody else changed the same thing"


class NothingToUndo(Conflict):
    """There is no commit of the author's to undo or redo."""

    code = "nothing_to_undo"
    title = "There is nothing to undo"
