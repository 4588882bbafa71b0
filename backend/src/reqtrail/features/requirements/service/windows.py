"""Windows of a document's rows with their items, as bytes.

An item's JSON is made once for each revision that is shown: it depends on nothing but the revision, the schema, the
name of who wrote it, and what is withheld from whoever it is shown to. A window then costs one query of which revisions
are visible, however long their texts are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
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
from reqtrail.platform.shared_cache import SharedCache, shared_cache_of

SHOWN_BYTES = 48_000_000
_shown: SizedCache[bytes] = SizedCache("rows", SHOWN_BYTES)
"""The JSON of items by content hash, which is salted and so names one revision, schema, name of the author, and what
is withheld."""

RevisionKey = tuple[bytes, bytes, str | None, bool, bytes]
"""What the JSON of an item depends on: the revision's content hash, the schema's mark, the name of who wrote it,
whether it is redacted, and what is withheld."""

_KIND = "rows"
_NONE = b"null"


def forget_kept() -> None:
    """Forget every item's JSON, as a process that begins has none."""
    _shown.clear()


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
    mark = schema.mark
    seen = snapshot.withheld.mark
    marked = [
        (item_id, (digest, mark, name, redacted, seen)) for item_id, digest, name, redacted in marks
    ]
    found: dict[UUID, bytes] = {}
    keys: dict[UUID, RevisionKey] = {}
    for (item_id, key), shown in zip(
        marked, _shown.get_many(key for _, key in marked), strict=True
    ):
        if shown is None:
            keys[item_id] = key
        else:
            found[item_id] = shown
    shared = shared_cache_of(session)
    if keys and shared is not None:
        for item_id, value in (await _of_others(shared, snapshot.project_id, keys)).items():
            _shown.put(keys.pop(item_id), value)
            found[item_id] = value
    if not keys:
        return found
    rows = await repository.load_items(session, snapshot, keys, deleted=True)
    items = await present_items(session, snapshot, schema, list(rows.values()))
    made: dict[tuple[str, str], bytes] = {}
    for row, item in zip(rows.values(), items, strict=True):
        found[row.entity_id] = shown = json_bytes(item)
        if not row.redacted and not _embeds(row.attributes):
            key = keys[row.entity_id]
            _shown.put(key, shown)
            made[_KIND, _shared_name(key)] = shown
    if made and shared is not None:
        await shared.put(snapshot.project_id, made)
    return found


async def _of_others(
    shared: SharedCache, project_id: UUID, keys: Mapping[UUID, RevisionKey]
) -> dict[UUID, bytes]:
    """Return what other processes have made of *keys*."""
    names = [_shared_name(key) for key in keys.values()]
    values = await shared.get_many(project_id, _KIND, names)
    return {
        item_id: value for item_id, value in zip(keys, values, strict=True) if value is not None
    }


def _shared_name(key: RevisionKey) -> str:
    digest, *others = key
    # Hashed, since it holds the name of a person.
    rest = blake2b(repr(others).encode(), digest_size=16)
    return f"{digest.hex()}:{rest.hexdigest()}"


def _embeds(attributes: dict[str, Any]) -> bool:
    """Tell whether a text may embed a file: what that looks like depends on the files of the version."""
    return any("object" in value for value in attributes.values() if isinstance(value, str))
