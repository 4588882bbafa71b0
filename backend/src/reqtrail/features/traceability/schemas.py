"""The JSON of traceability."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from reqtrail.features.versioning.public import Message, RefRead, SequenceNumber
from reqtrail.platform.http import Body


class OtherEnd(BaseModel):
    """The item at the other end of a link."""

    id: UUID
    key: str | None
    title: str
    style: str


class LinkRead(BaseModel):
    """A link as one of its ends sees it."""

    id: UUID
    type_id: UUID | None
    attributes: dict[str, Any]
    other: OtherEnd


class LinksAnswer(BaseModel):
    """The links of an item, both ways."""

    ref: RefRead
    outgoing: list[LinkRead]
    incoming: list[LinkRead]


class LinkCreate(Body):
    """A new link."""

    source_id: UUID
    target_id: UUID
    type_id: UUID | None = None
    attributes: dict[str, Any] = Field(default_factory=dict)
    message: Message = ""


class LinkPatch(Body):
    """A change of a link's attributes or type."""

    type_id: UUID | None = None
    attributes: dict[str, Any] = Field(default_factory=dict)
    base: SequenceNumber | None = None
    message: Message = ""
