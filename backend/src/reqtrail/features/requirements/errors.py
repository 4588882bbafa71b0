"""What requirements refuse, each with a stable code."""

from __future__ import annotations

from reqtrail.kit.errors import Conflict, Invalid, NotFound


class DocumentNotFound(NotFound):
    """There is no such document at this version."""

    code = "document_not_found"
    title = "There is no such document"


class ItemNotFound(NotFound):
    """There is no such item at this version."""

    code = "item_not_found"
    title = "There is no such item"


class ValueInvalid(Invalid):
    """An attribute value does not fit its datatype."""

    code = "value_invalid"
    title = "The value does not fit the attribute"


class PositionInvalid(Invalid):
    """A position names a document, parent or neighbour that is not there."""

    code = "position_invalid"
    title = "The position does not exist"


class TreeBroken(Conflict):
    """The change would leave placements that form no tree: a cycle, or children without a parent."""

    code = "tree_broken"
    title = "The change would break the document's tree"


class InUse(Conflict):
    """What shall be deleted is used by something that stays."""

    code = "in_use"
    title = "It is still in use"


class ReferenceBroken(Conflict):
    """The change refers to something that does not exist or is deleted."""

    code = "reference_broken"
    title = "It refers to something that does not exist"


class WriteInvalid(Invalid):
    """An operation of a write is not of the form that its kind takes."""

    code = "write_invalid"
    title = "The operation does not fit"


class NotInVersion(NotFound):
    """What shall be restored is not visible at the version that it shall come from."""

    code = "not_in_version"
    title = "It is not there at that version"


class NothingToRestore(Conflict):
    """It reads at the head as it does at the version that it shall come from."""

    code = "nothing_to_restore"
    title = "There is nothing to restore"


class AttributeNotFound(NotFound):
    """The item has no attribute of this name or id."""

    code = "attribute_not_found"
    title = "The item has no such attribute"


class AttributeNotText(Invalid):
    """The attribute holds no text."""

    code = "attribute_not_text"
    title = "The attribute is no text"


class NotRestrictable(Invalid):
    """Only documents and attributes can be restricted."""

    code = "not_restrictable"
    title = "This cannot be restricted"
