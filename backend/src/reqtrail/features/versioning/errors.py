"""What the version engine refuses, each with a stable code."""

from __future__ import annotations

from reqtrail.kit.errors import Conflict, Forbidden, Invalid, NotFound


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


class RefNameInvalid(Invalid):
    """A branch or a baseline cannot have this name."""

    code = "ref_name_invalid"
    title = "The name cannot be used"


class RefNameTaken(Conflict):
    """A branch or a baseline has, or had, this name."""

    code = "ref_name_taken"
    title = "The name is taken"


class BranchClosed(Conflict):
    """The branch was merged and closed, or discarded: nothing can be written to it or started from it."""

    code = "branch_closed"
    title = "The branch is closed"


class BranchProtected(Forbidden):
    """Only owners may write to the branch."""

    code = "branch_protected"
    title = "The branch is protected"


class BranchTooDeep(Conflict):
    """Branches of branches go down only so far."""

    code = "branch_too_deep"
    title = "Too many branches upon each other"


class BranchHasChildren(Conflict):
    """Open branches hang on the branch that shall be discarded."""

    code = "branch_has_children"
    title = "Other branches hang on the branch"


class BranchNotMerged(Conflict):
    """The branch has commits that its parent does not have."""

    code = "branch_not_merged"
    title = "The branch is not merged"


class MergeConflict(Conflict):
    """Both sides changed the same thing, or the result would break a rule; ``conflicts`` lists what is to be chosen."""

    code = "merge_conflict"
    title = "The merge has conflicts"


class MergeStale(Conflict):
    """One of the sides got a new commit after the preview."""

    code = "merge_stale"
    title = "The preview is out of date"


class MergeTooLarge(Conflict):
    """The merge changes more than a request may; ``changes`` counts them, ``most`` is the limit. A worker does it."""

    code = "merge_too_large"
    title = "The merge is too large for a request"


class MergeImpossible(Invalid):
    """The branch has no parent to merge with."""

    code = "merge_impossible"
    title = "There is nothing to merge with"


class ResolutionInvalid(Invalid):
    """A resolution is given for what is no conflict, or cannot be applied."""

    code = "resolution_invalid"
    title = "The resolution does not fit"


class ContentRedacted(Conflict):
    """What would be needed was removed for good by an owner."""

    code = "content_redacted"
    title = "The content was redacted"


class RevisionNotFound(NotFound):
    """No commit with this number wrote the thing."""

    code = "revision_not_found"
    title = "There is no such version of it"


class RevisionShown(Conflict):
    """An open branch shows what shall be redacted."""

    code = "revision_shown"
    title = "The content is still shown"


class NothingToRedact(Conflict):
    """There is nothing left that could be redacted."""

    code = "nothing_to_redact"
    title = "There is nothing to redact"
