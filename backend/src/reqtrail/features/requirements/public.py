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
from reqtrail.features.requirements.service.outline import titles, warm_up
from reqtrail.features.requirements.service.presenting import present_contents
from reqtrail.features.requirements.service.reading import check_reading
from reqtrail.features.requirements.service.restore_plan import register_restore_companion
from reqtrail.features.requirements.service.rules import check_structure
from reqtrail.features.requirements.service.schema import load_schema
from reqtrail.features.requirements.service.shared_outlines import tell_uses
from reqtrail.features.requirements.service.writes import (
    Position,
    Write,
    register_item_cascade,
    write,
)
from reqtrail.features.requirements.types import Attribute, Datatype, ItemType, Schema

load_documents = repository.list_documents
READINGS = repository.READINGS
commits_with_withheld = repository.commits_with_withheld
entities_of_withheld = repository.entities_of_withheld
item_can_be_read = repository.item_can_be_read
without_values = repository.without_values

__all__ = [
    "KINDS",
    "READINGS",
    "Attribute",
    "Datatype",
    "ItemType",
    "Position",
    "Schema",
    "Write",
    "adopt_value",
    "attribute_value_kind",
    "check_reading",
    "check_structure",
    "commits_with_withheld",
    "default_id",
    "default_schema",
    "drop_unreferenced",
    "entities_of_withheld",
    "files_only_in",
    "item_can_be_read",
    "load_documents",
    "load_schema",
    "plain_text",
    "present_attributes",
    "present_contents",
    "register_item_cascade",
    "register_restore_companion",
    "resolve_item",
    "tell_uses",
    "titles",
    "verify_attachments",
    "warm_up",
    "without_values",
    "write",
]
