"""Windows of a document's rows with their items, as bytes.

An item's JSON is made once for each revision that is shown: it depends on nothing but the revision, the schema, the
name of who wrote it, and what is withheld from whoever it is shown to. A window then costs one query of which revisions
are visible, however long their texts are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.requirements import repository
from reqtrail.features.requirements.service.items import present_items
from reqtrail.features.requirements.service.outline import load_outline
from reqtrail.features.requirements.service.schema import load_schema
from reqtrail.features.requirements.types import Schema
from reqtrail.features.versioning.public import Snapshot
from reqtrail.platform.cache import SizedCache
from reqtrail.platform.encoding import json_bytes

SHOWN_BYTES = 48_000_000
_shown: SizedCache[bytes] = SizedCache("rows", SHOWN_BYTES)
"""The JSON of items by content hash, which is salted and so names one revision, schema, name of the author, and what
is withheld."""

_NONE = b"null"


async def document_rows(
    session: AsyncSession, snapshot: Snapshot, document_id: UUID, offset: int, limit: int
) -> tuple[int, bytes]:
    """Return how many rows a document has, and a window of them with their items as a JSON list.

    Raises:
        DocumentNotFound: If the document is not visible at *snapshot*.
    """
    outline = await load_outline(session, snapshot, document_id)
    schema = await load_schema(session, snapshot)
    window = outline.rows[offset : offset + limit]
    beginnings = outline.beginnings[offset : offset + limit]
    ids = {row.item_id for row in window if row.item_id is not None}
    items = await encoded_items(session, snapshot, schema, ids) if ids else {}
    rows = (
        b"%s%s}" % (beginning, items.get(row.item_id, _NONE) if row.item_id else _NONE)
        for row, beginning in zip(window, beginnings, strict=True)
    )
    return len(outline.rows), b"[%s]" % b",".join(rows)


async def encoded_items(
    session: AsyncSession, snapshot: Snapshot, schema: Schema, ids: Iterable[UUID]
) -> dict[UUID, bytes]:
    """Return the JSON of items by id, deleted ones too."""
    marks = await repository.item_marks(session, snapshot, ids)
    number = schema.number
    seen = snapshot.withheld.mark
    marked = [
        (item_id, (digest, number, name, redacted, seen))
        for item_id, digest, name, redacted in marks
    ]
    found: dict[UUID, bytes] = {}
    keys: dict[UUID, tuple[bytes, int, str | None, bool, bytes]] = {}
    for (item_id, key), shown in zip(
        marked, _shown.get_many(key for _, key in marked), strict=True
    ):
        if shown is None:
            keys[item_id] = key
        else:
            found[item_id] = shown
    if not keys:
        return found
    rows = await repository.load_items(session, snapshot, keys, deleted=True)
    items = await present_items(session, snapshot, schema, list(rows.values()))
    for row, item in zip(rows.values(), items, strict=True):
        found[row.entity_id] = shown = json_bytes(item)
        if not row.redacted and not _embeds(row.attributes):
            _shown.put(keys[row.entity_id], shown)
    return found


def _embeds(attributes: dict[str, Any]) -> bool:
    """Tell whether a text may embed a file: what that looks like depends on the files of the version."""
    return any("object" in value for value in attributes.values() if isinstance(value, str))
