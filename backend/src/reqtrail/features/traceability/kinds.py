"""What of traceability the version engine keeps."""

from __future__ import annotations

from typing import Final

from reqtrail.features.requirements.public import attribute_value_kind
from reqtrail.features.traceability import tables
from reqtrail.features.versioning.public import Field, FieldKind, Kind

LINK = Kind(
    "link",
    tables.links,
    (
        Field("type_id"),
        Field("source_id"),
        Field("target_id"),
        Field("attributes", FieldKind.MAP, attribute_value_kind),
        Field("extra"),
    ),
    erased=("attributes", "extra"),
)
LINK_GROUP = Kind(
    "link_group",
    tables.link_groups,
    (
        Field("type_id"),
        Field("name", FieldKind.TEXT),
        Field("source_document_id"),
        Field("target_document_id"),
        Field("link_ids", FieldKind.SET),
        Field("extra"),
    ),
    erased=("name", "extra"),
)

KINDS: Final = (LINK, LINK_GROUP)
