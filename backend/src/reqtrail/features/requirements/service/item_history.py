"""The history of an item with the names of what changed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.public import display_names
from reqtrail.features.requirements.service.items import present_attributes
from reqtrail.features.requirements.service.schema import load_schema
from reqtrail.features.requirements.types import Schema
from reqtrail.features.versioning.public import (
    CommitRead,
    Content,
    HistoryEntry,
    Snapshot,
    field_changes,
    history,
    redactions_read,
)

Json = dict[str, Any]


async def item_history(session: AsyncSession, snapshot: Snapshot, item_id: UUID) -> list[Json]:
    """Return the versions of an item up to *snapshot*, newest first.

    Raises:
        EntityNotFound: If there is no such item.
    """
    entries = await history(session, snapshot, item_id)
    schema = await load_schema(session, snapshot)
    names = await display_names(session, {entry.commit.author_id for entry in entries})
    contents = [side for entry in entries for side in (entry.before, entry.after)]
    shown = iter(await _shown(session, snapshot, schema, contents))
    redactions = await redactions_read(session, snapshot.project_id, entries)
    result = []
    for entry in entries:
        before, after = next(shown), next(shown)
        result.append(
            {
                "commit": CommitRead.of(entry.commit, names).model_dump(),
                "action": _action(entry),
                "changes": [
                    _change(schema, change)
                    for change in field_changes(before or {}, after or {})
                    if not entry.is_redacted
                ],
                "redacted_before": redactions(item_id, entry.redacted_before),
                "redacted_after": redactions(item_id, entry.redacted_after),
            }
        )
    return result


async def _shown(
    session: AsyncSession, snapshot: Snapshot, schema: Schema, contents: list[Content | None]
) -> list[Content | None]:
    attributes = await present_attributes(
        session, snapshot, schema, [(content or {}).get("attributes", {}) for content in contents]
    )
    return [
        None if content is None else {"type_id": content["type_id"], "attributes": presented}
        for content, presented in zip(contents, attributes, strict=True)
    ]


def _action(entry: HistoryEntry) -> str:
    if entry.after is None:
        return "deleted"
    if entry.before is None:
        return (
            "restored" if entry.commit.kind in {"restore", "undo", "redo", "revert"} else "created"
        )
    return "changed"


def _change(schema: Schema, change: Json) -> Json:
    attribute_id = change["key"]
    attribute = schema.attributes.get(attribute_id or "")
    base = attribute.base if attribute else "string"
    names = {
        "html": "xhtml",
        "text": "string",
    }
    form = next((form for form, wanted in names.items() if base == wanted), "value")
    before, after = change["before"], change["after"]
    if change["field"] == "type_id":
        before, after = (_type_name(schema, side) for side in (before, after))
        form = "value"
    elif base == "enumeration" and attribute is not None and attribute.datatype_id:
        datatype = schema.datatypes.get(attribute.datatype_id)
        known = {str(e["id"]): str(e["name"]) for e in datatype.enum_values} if datatype else {}
        before, after = (
            None if side is None else [known.get(entry, entry) for entry in side]
            for side in (before, after)
        )
    return {
        "field": change["field"],
        "attribute_id": attribute_id,
        "name": attribute.name if attribute else (attribute_id or "Type"),
        "form": form,
        "before": before,
        "after": after,
    }


def _type_name(schema: Schema, type_id: Any) -> str | None:
    kind = schema.types.get(type_id) if type_id else None
    return kind.name if kind else None
