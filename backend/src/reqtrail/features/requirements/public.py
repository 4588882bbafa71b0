"""The front door of requirements."""

from __future__ import annotations

from reqtrail.features.requirements import repository
from reqtrail.features.requirements.kinds import KINDS, attribute_value_kind
from reqtrail.features.requirements.richtext import plain_text
from reqtrail.features.requirements.service.adopting import adopt_value
from reqtrail.features.requirements.service.attachments import (
    drop_unreferenced,
    files_only_in,
    verify_attachments,
)
from reqtrail.features.requirements.service.defaults import default_id, default_schema
from reqtrail.features.requirements.service.items import present_attributes, resolve_item
from reqtrail.features.requirements.service.outline import titles
from reqtrail.features.requirements.service.presenting import present_contents
from reqtrail.features.requirements.service.restore_plan import register_restore_companion
from reqtrail.features.requirements.service.rules import check_structure
from reqtrail.features.requirements.service.schema import load_schema
from reqtrail.features.requirements.service.writes import (
    Position,
    Write,
    register_item_cascade,
    write,
)
from reqtrail.features.requirements.types import Attribute, Datatype, ItemType, Schema

load_documents = repository.list_documents

__all__ = [
    "KINDS",
    "Attribute",
    "Datatype",
    "ItemType",
    "Position",
    "Schema",
    "Write",
    "adopt_value",
    "attribute_value_kind",
    "check_structure",
    "default_id",
    "default_schema",
    "drop_unreferenced",
    "files_only_in",
    "load_documents",
    "load_schema",
    "plain_text",
    "present_attributes",
    "present_contents",
    "register_item_cascade",
    "register_restore_companion",
    "resolve_item",
    "titles",
    "verify_attachments",
    "write",
]
