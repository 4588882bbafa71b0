"""Values of one's own where both sides of a merge disagree: checked as any write is, and stored as any write is."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.requirements.errors import WriteInvalid
from reqtrail.features.requirements.richtext import source_from_html
from reqtrail.features.requirements.service.schema import load_schema
from reqtrail.features.requirements.service.values import check_text, check_value
from reqtrail.features.versioning.public import OwnValue, Snapshot

_TEXTS = ("title", "name", "description")


async def adopt_value(session: AsyncSession, snapshot: Snapshot, own: OwnValue) -> Any:
    """Return a value of one's own in the form that is stored; rich text comes as the editor's HTML.

    Raises:
        WriteInvalid: If the attribute is not one of the thing's type, or the field is not one of words.
        ValueInvalid: If the value does not fit its datatype.
    """
    if own.field in _TEXTS and isinstance(own.value, str):
        return check_text(own.value, f"The {own.field}")
    if own.field != "attributes" or own.key is None:
        raise WriteInvalid(f"The {own.field} takes no value of one's own here: choose a side.")
    if own.value is None:
        return None
    schema = await load_schema(session, snapshot)
    attribute = schema.attributes.get(own.key)
    if attribute is None or attribute.type_id != own.content.get("type_id"):
        raise WriteInvalid(
            "The attribute is not one of this type here: choose a side.", attribute=own.key
        )
    checked = check_value(schema, attribute, own.value)
    return source_from_html(checked) if attribute.base == "xhtml" else checked
