"""The JSON of requirements."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StrictBool, StringConstraints

from reqtrail.features.versioning.public import (
    Author,
    ChangeRead,
    CommitRead,
    EntityChangeRead,
    Message,
    RedactionRead,
    RefRead,
    SequenceNumber,
)
from reqtrail.platform.http import Body, NOT_BLANK

Attributes = dict[str, Any]
"""Values by attribute id: text, numbers and dates as text; yes/no as true/false; enumerations as lists of value ids;
rich text as HTML."""

Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), NOT_BLANK
]


class PlacementRef(BaseModel):
    """Where an item stands."""

    placement_id: UUID
    document_id: UUID
    parent_id: UUID | None


class ItemRead(BaseModel):
    """An item. ``title`` is plain text, ``text`` is safe HTML, ``revision`` the commit that wrote this state.

    ``redaction`` tells of a version whose content an owner removed for good: by whom, when and why.
    """

    id: UUID
    key: str | None
    type_id: UUID | None
    attributes: Attributes
    title: str
    text: str | None
    revision: int
    changed_at: datetime | None
    changed_by: str
    deleted: bool
    redaction: RedactionRead | None
    placements: list[PlacementRef] | None = None


class ItemAnswer(BaseModel):
    """One item at a version."""

    ref: RefRead
    item: ItemRead


class ItemList(BaseModel):
    """Items by id; ``next`` is the cursor of the following page."""

    ref: RefRead
    items: list[ItemRead]
    next: str | None


class PositionWrite(Body):
    """Where to place: after or before a sibling, first, or, without any of these, last below ``parent_id``."""

    document_id: UUID
    parent_id: UUID | None = None
    after: UUID | None = None
    before: UUID | None = None
    first: StrictBool = False


class ItemCreate(Body):
    """A new item, placed if a position is given."""

    type_id: UUID | None = None
    attributes: Attributes = Field(default_factory=dict)
    position: PositionWrite | None = None
    message: Message = ""


class ItemPatch(Body):
    """A change of an item. ``base`` is the version that you saw; attributes are changed one by one, null removes."""

    type_id: UUID | None = None
    attributes: Attributes = Field(default_factory=dict)
    base: SequenceNumber | None = None
    message: Message = ""


class RestoreWrite(Body):
    """The version whose state shall come back; without a message the commit names it."""

    at: Annotated[str, StringConstraints(max_length=200)]
    message: Message = ""


class ScopeWrite(Body):
    """What shall be as it was at version ``at``: exactly one of a document, a placement with all below it, an item.

    ``base`` is the version that you saw: what others changed since is merged. An item is named by key or id.
    """

    at: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    document_id: UUID | None = None
    placement_id: UUID | None = None
    item: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    base: SequenceNumber | None = None


class ScopeRestore(ScopeWrite):
    """A restore to be written; without a message the commit says what was restored from where."""

    message: Message = ""


class RestorePreview(BaseModel):
    """What a restore would change upon ``ref``, as read at ``source``: nothing was written."""

    ref: RefRead
    source: RefRead
    message: str
    merged: bool
    changes: list[EntityChangeRead]


class DocumentRead(BaseModel):
    """A document; the title of one that was redacted is empty."""

    id: UUID
    title: str
    type_id: UUID | None
    attributes: Attributes
    archived: bool
    rank: str
    item_count: int
    redaction: RedactionRead | None


class DocumentList(BaseModel):
    """All documents of a project at a version, in order."""

    ref: RefRead
    documents: list[DocumentRead]


class DocumentCreate(Body):
    """A new document."""

    title: Title
    type_id: UUID | None = None


class DocumentPatch(Body):
    """What to change of a document."""

    title: Title | None = None
    archived: StrictBool | None = None
    base: SequenceNumber | None = None


class OperationWrite(Body):
    """One operation of a write."""

    op: Literal["create", "update", "move", "delete", "restore"]
    kind: Literal["document", "item", "placement", "type", "attribute", "datatype", "link"]
    id: UUID | None = None
    fields: dict[str, Any] = Field(default_factory=dict)
    position: PositionWrite | None = None
    base: SequenceNumber | None = None
    from_seq: SequenceNumber | None = None
    items: StrictBool = False


class CommitWrite(Body):
    """A write: what to do, seen from version ``base``. Without a base it overwrites what others did."""

    base: SequenceNumber | None = None
    message: Message = ""
    operations: Annotated[list[OperationWrite], Field(min_length=1, max_length=10_000)]


class CommitAnswer(BaseModel):
    """What came of a write, with the fresh state of the items that it touched."""

    ref: RefRead
    merged: bool
    changes: list[ChangeRead]
    items: list[ItemRead]


class OutlineAnswer(BaseModel):
    """A document in reading order, compact: each row is [placement id, index of the parent row or -1, level, item id,
    key, style, title, number, has children]."""

    ref: RefRead
    document: DocumentRead
    rows: list[tuple[UUID, int, int, UUID | None, str | None, str, str, str, bool]]


class RowRead(BaseModel):
    """A row of a document with its item."""

    placement_id: UUID
    parent_id: UUID | None
    level: int
    number: str
    item: ItemRead | None


class RowsAnswer(BaseModel):
    """A window of a document's rows in reading order."""

    ref: RefRead
    total: int
    offset: int
    rows: list[RowRead]


class AttributeRead(BaseModel):
    """An attribute of a type. ``rank`` orders it among the others; a rank between two puts it between them."""

    id: UUID
    name: str
    datatype_id: UUID | None
    base: str
    multi_valued: bool
    default_value: Any
    description: str
    rank: str


class TypeRead(BaseModel):
    """A type with its attributes."""

    id: UUID
    category: str
    name: str
    description: str
    presentation: dict[str, Any]
    rank: str
    attributes: list[AttributeRead]


class DatatypeRead(BaseModel):
    """A datatype."""

    id: UUID
    base: str
    name: str
    description: str
    constraints: dict[str, Any]
    enum_values: list[dict[str, Any]]


class SchemaAnswer(BaseModel):
    """The types, attributes and datatypes of a project at a version."""

    ref: RefRead
    types: list[TypeRead]
    datatypes: list[DatatypeRead]


class HistoryChange(BaseModel):
    """One field that a commit changed. ``form`` is ``html``, ``text`` or ``value``."""

    field: str
    attribute_id: str | None
    name: str
    form: str
    before: Any
    after: Any


class HistoryEntryRead(BaseModel):
    """One version of an item; nothing is told of how one that was redacted differs from others."""

    commit: CommitRead
    action: str
    changes: list[HistoryChange]
    redacted_before: RedactionRead | None
    redacted_after: RedactionRead | None


class HistoryAnswer(BaseModel):
    """The versions of an item, newest first."""

    entries: list[HistoryEntryRead]


class DocumentCommitRead(BaseModel):
    """A commit that touched a document: how many of its items, how many places in it, and whether itself.

    ``previous`` is the commit that touched it before this one: comparing with it tells what this one did to it.
    """

    commit: CommitRead
    previous: int | None
    items: int
    places: int
    document: bool


class DocumentHistoryAnswer(BaseModel):
    """The commits that touched a document, newest first; ``next`` is the ``before`` of the following page."""

    ref: RefRead
    entries: list[DocumentCommitRead]
    next: int | None


class BlameSpan(BaseModel):
    """A piece of a text with the commit that wrote its words.

    ``after_redaction``: the commit took them perhaps from the version before, which was redacted.
    """

    text: str
    seq: int
    author: Author
    authored_at: datetime
    message: str
    after_redaction: bool


class BlameAnswer(BaseModel):
    """A text of an item in pieces, which joined give the text; of rich text, the words that are read."""

    ref: RefRead
    id: UUID
    key: str | None
    attribute_id: UUID
    attribute: str
    spans: list[BlameSpan]


class Match(BaseModel):
    """A row of a document that holds what was looked for, ``count`` times."""

    row_index: int
    placement_id: UUID
    item_id: UUID
    count: int


class FindAnswer(BaseModel):
    """The rows of a document that match, in reading order."""

    ref: RefRead
    matches: list[Match]


class FileAnswer(BaseModel):
    """An uploaded file. A rich text refers to it by ``path`` (as ``data-path`` of an ``img``)."""

    path: str
    sha256: str
    url: str
    media_type: str
    size: int
    entity_id: UUID
