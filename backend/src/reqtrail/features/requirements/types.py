"""The schema of a project as values, and what a document's reading order is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import orjson


@dataclass(frozen=True)
class Datatype:
    """A datatype: ``base`` is string, integer, real, boolean, date, enumeration or xhtml."""

    id: UUID
    base: str
    name: str
    description: str
    constraints: Mapping[str, Any]
    enum_values: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Attribute:
    """An attribute of a type; ``base`` is its datatype's, ``string`` when that is missing."""

    id: UUID
    type_id: UUID
    datatype_id: UUID | None
    name: str
    description: str
    multi_valued: bool
    default_value: Any
    base: str
    rank: str


@dataclass(frozen=True)
class ItemType:
    """A type of items, documents, links or link groups, with its attributes in their order."""

    id: UUID
    category: str
    name: str
    description: str
    presentation: Mapping[str, Any]
    attributes: tuple[Attribute, ...]
    rank: str

    @property
    def style(self) -> str:
        """How items of this type are shown: requirement, heading, information or test."""
        return str(self.presentation.get("style") or "requirement")

    def role(self, name: str) -> str | None:
        """Return the id of the attribute that plays *name* (``title`` or ``text``), if any."""
        value = self.presentation.get(name)
        return None if value is None else str(value)


@dataclass(frozen=True)
class Schema:
    """All types, attributes and datatypes visible at one version.

    Attributes:
        seq: The newest commit that changed any.
        mark: Names this schema among all of its project, in keys of what is kept of items shown by it.
    """

    seq: int
    mark: bytes
    types: Mapping[UUID, ItemType]
    attributes: Mapping[str, Attribute]
    datatypes: Mapping[UUID, Datatype]

    def is_rich(self, attribute_id: str) -> bool:
        """Return whether values of an attribute are XHTML."""
        attribute = self.attributes.get(attribute_id)
        return attribute is not None and attribute.base == "xhtml"


@dataclass(frozen=True, slots=True)
class OutlineRow:
    """One placement in reading order."""

    placement_id: UUID
    parent_index: int
    level: int
    item_id: UUID | None
    key: str | None
    style: str
    title: str
    number: str
    has_children: bool


class Outline:
    """A document's placements in reading order, with titles after the schema that commit ``schema_seq`` made.

    It is made of rows, or of their encoded form as another process made it, from which they are read when needed.
    """

    def __init__(self, document_id: UUID, rows: tuple[OutlineRow, ...], schema_seq: int) -> None:
        self.document_id = document_id
        self.schema_seq = schema_seq
        self.count = len(rows)
        self.rows = rows

    @classmethod
    def of_encoded(cls, document_id: UUID, encoded: bytes, count: int, schema_seq: int) -> Outline:
        """Return the outline whose ``encoded`` and ``count`` these are."""
        outline = cls.__new__(cls)
        outline.document_id = document_id
        outline.schema_seq = schema_seq
        outline.count = count
        outline.encoded = encoded
        return outline

    @cached_property
    def rows(self) -> tuple[OutlineRow, ...]:
        """The placements."""
        return tuple(
            OutlineRow(UUID(placement), parent, level, UUID(item) if item else None, *rest)
            for placement, parent, level, item, *rest in orjson.loads(self.encoded)
        )

    @cached_property
    def beginnings(self) -> tuple[bytes, ...]:
        """Of each row's JSON object in a window of rows, what comes before its item."""
        rows = self.rows
        return tuple(
            b'{"placement_id":"%s","parent_id":%s,"level":%d,"number":"%s","item":'
            % (
                str(row.placement_id).encode(),
                (
                    b'"%s"' % str(rows[row.parent_index].placement_id).encode()
                    if row.parent_index >= 0
                    else b"null"
                ),
                row.level,
                row.number.encode(),
            )
            for row in rows
        )

    @cached_property
    def encoded(self) -> bytes:
        """The rows as JSON: a list of lists in the order of OutlineRow's fields."""
        plain = [
            (
                str(row.placement_id),
                row.parent_index,
                row.level,
                str(row.item_id) if row.item_id else None,
                row.key,
                row.style,
                row.title,
                row.number,
                row.has_children,
            )
            for row in self.rows
        ]
        return orjson.dumps(plain)
