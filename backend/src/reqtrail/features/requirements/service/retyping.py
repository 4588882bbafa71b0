"""What becomes of attribute values when an item gets another type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from reqtrail.features.requirements.types import Attribute, Schema


def carried_over(
    schema: Schema, old: UUID | None, new: UUID | None, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the changes that move values to the new type's attributes of the same name and datatype.

    Values without such a counterpart stay with the item, unseen, until it gets a type that has the attribute.
    """
    if old is None or new is None or old == new or old not in schema.types:
        return {}
    into = {item.name: item for item in schema.types[new].attributes} if new in schema.types else {}
    changes: dict[str, Any] = {}
    for attribute in schema.types[old].attributes:
        target = into.get(attribute.name)
        if target is not None and str(attribute.id) in values and _alike(attribute, target):
            changes[str(target.id)] = values[str(attribute.id)]
            changes[str(attribute.id)] = None
    return changes


def _alike(one: Attribute, other: Attribute) -> bool:
    return one.datatype_id == other.datatype_id and (other.multi_valued or not one.multi_valued)
