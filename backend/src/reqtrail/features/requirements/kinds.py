"""What of requirements the version engine keeps, and how each field is merged."""

from __future__ import annotations

from typing import Any, Final

from reqtrail.features.requirements import tables
from reqtrail.features.versioning.public import Field, FieldKind, Kind

SCALAR, TEXT, MAP = FieldKind.SCALAR, FieldKind.TEXT, FieldKind.MAP


def attribute_value_kind(base: Any, ours: Any, theirs: Any) -> FieldKind:
    """Tell from three values of one attribute how they are merged.

    Markup and prose merge by word. A number or a date is one word that must not be mixed from two, so text without
    white space is a scalar; and so is a choice of at most one enumeration value.
    """
    sides = [side for side in (base, ours, theirs) if side is not None]
    if all(isinstance(side, list) for side in sides):
        return FieldKind.SET if any(len(side) > 1 for side in sides) else SCALAR
    if not all(isinstance(side, str) for side in sides):
        return SCALAR
    if any(side.lstrip().startswith("<") for side in sides):
        return FieldKind.RICH_TEXT
    return TEXT if any(character.isspace() for side in sides for character in side) else SCALAR


ATTRIBUTES: Final = Field("attributes", MAP, attribute_value_kind)

DOCUMENT = Kind(
    "document",
    tables.documents,
    (
        Field("title", TEXT),
        Field("type_id"),
        ATTRIBUTES,
        Field("rank"),
        Field("archived"),
        Field("extra"),
    ),
    erased=("title", "attributes", "extra"),
)
ITEM = Kind(
    "item",
    tables.items,
    (Field("type_id"), ATTRIBUTES, Field("extra")),
    keyed=True,
    erased=("attributes", "extra"),
)
PLACEMENT = Kind(
    "placement",
    tables.placements,
    (
        Field("document_id"),
        Field("parent_id"),
        Field("item_id"),
        Field("rank"),
        Field("extra"),
    ),
    position=("document_id", "parent_id", "rank"),
    erased=("extra",),
)
TYPE = Kind(
    "type",
    tables.types,
    (
        Field("category"),
        Field("name", TEXT),
        Field("description", TEXT),
        Field("rank"),
        Field("presentation", MAP),
        Field("extra"),
    ),
    erased=("name", "description", "extra"),
)
ATTRIBUTE = Kind(
    "attribute",
    tables.attribute_definitions,
    (
        Field("type_id"),
        Field("datatype_id"),
        Field("name", TEXT),
        Field("description", TEXT),
        Field("multi_valued"),
        Field("default_value"),
        Field("rank"),
        Field("extra"),
    ),
    erased=("name", "description", "default_value", "extra"),
)
DATATYPE = Kind(
    "datatype",
    tables.datatypes,
    (
        Field("base"),
        Field("name", TEXT),
        Field("description", TEXT),
        Field("constraints", MAP),
        Field("enum_values"),
        Field("extra"),
    ),
    erased=("name", "description", "enum_values", "extra"),
)
FILE = Kind(
    "file",
    tables.files,
    (
        Field("path"),
        Field("sha256"),
        Field("media_type"),
        Field("size"),
        Field("package_id"),
        Field("extra"),
    ),
    erased=("path", "sha256", "media_type", "size", "extra"),
)

KINDS: Final = (DOCUMENT, ITEM, PLACEMENT, TYPE, ATTRIBUTE, DATATYPE, FILE)
