"""Items in the form that leaves by API: values as they are, rich text as sanitised HTML."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.projects.public import get_project_key
from reqtrail.features.requirements import repository
from reqtrail.features.requirements.errors import ItemNotFound
from reqtrail.features.requirements.richtext import FileRef, object_paths, quick_text, render
from reqtrail.features.requirements.richtext.render import Files, file_url
from reqtrail.features.requirements.service.outline import load_outline, title_of
from reqtrail.features.requirements.service.schema import load_schema
from reqtrail.features.requirements.types import Outline, Schema
from reqtrail.features.versioning.public import Snapshot, find_entity_by_key, shown_redactions

Json = dict[str, Any]


async def present_attributes(
    session: AsyncSession, snapshot: Snapshot, schema: Schema, values: list[Mapping[str, Any]]
) -> list[Json]:
    """Return attribute values with each rich text as safe HTML."""
    rich = [
        text
        for attributes in values
        for name, text in attributes.items()
        if isinstance(text, str) and schema.is_rich(name)
    ]
    files = await files_for(session, snapshot, rich)
    return [
        {
            name: render(value, files) if isinstance(value, str) and schema.is_rich(name) else value
            for name, value in attributes.items()
        }
        for attributes in values
    ]


async def files_for(session: AsyncSession, snapshot: Snapshot, sources: Iterable[str]) -> Files:
    """Return how the objects embedded in *sources* are reached."""
    paths = object_paths(sources)
    if not paths:
        return lambda path: None
    rows = await repository.load_files(session, snapshot, paths)
    key = await get_project_key(session, snapshot.project_id)
    found = {
        path: FileRef(file_url(key, row.sha256, path), row.media_type) for path, row in rows.items()
    }
    return found.get


async def present_items(
    session: AsyncSession, snapshot: Snapshot, schema: Schema, rows: list[Row[Any]]
) -> list[Json]:
    """Return items as they leave by API, in the order of *rows*."""
    shown = await present_attributes(session, snapshot, schema, [row.attributes for row in rows])
    redactions = {}
    if any(row.redacted for row in rows):
        redactions = await shown_redactions(session, snapshot.project_id)
    items = []
    for row, attributes in zip(rows, shown, strict=True):
        kind = schema.types.get(row.type_id) if row.type_id else None
        items.append(
            {
                "id": row.entity_id,
                "key": row.key,
                "type_id": row.type_id,
                "attributes": attributes,
                "title": title_of(schema, row.type_id, row.attributes, row.key),
                "text": attributes.get((kind.role("text") if kind else None) or ""),
                "revision": row.seq_from,
                "changed_at": row.authored_at,
                "changed_by": row.changed_by or "",
                "deleted": row.deleted,
                "redaction": redactions.get((row.entity_id, row.seq_from)),
            }
        )
    return items


async def resolve_item(session: AsyncSession, project_id: UUID, name: str) -> UUID:
    """Return the item that *name*, a human key or an id, stands for.

    Raises:
        ItemNotFound: If there is none.
    """
    wanted = _id_or_key(name)
    if isinstance(wanted, UUID):
        return wanted
    found = await find_entity_by_key(session, project_id, wanted)
    if found is None:
        raise ItemNotFound(f"There is no item {name} in this project.")
    return found


def _id_or_key(name: str) -> UUID | str:
    try:
        return UUID(name)
    except ValueError:
        return name.strip().upper()


async def get_item(session: AsyncSession, snapshot: Snapshot, name: str | UUID) -> Json:
    """Return one item, by key or id, with where it is placed.

    Raises:
        ItemNotFound: If it did not exist at *snapshot*.
    """
    wanted = name if isinstance(name, UUID) else _id_or_key(name)
    row = await repository.find_placed_item(session, snapshot, wanted)
    if row is None:
        if isinstance(name, str):
            await resolve_item(session, snapshot.project_id, name)
        raise ItemNotFound("There is no such item at this version.")
    schema = await load_schema(session, snapshot)
    (item,) = await present_items(session, snapshot, schema, [row])
    item["placements"] = row.placements or []
    return item


async def find_in_document(
    session: AsyncSession, snapshot: Snapshot, document_id: UUID, query: str
) -> list[Json]:
    """Return the rows of a document whose key or visible text contains *query*, in reading order."""
    outline = await load_outline(session, snapshot, document_id)
    schema = await load_schema(session, snapshot)
    ids = {row.item_id for row in outline.rows if row.item_id}
    items = await repository.load_items(session, snapshot, ids)
    return await asyncio.to_thread(_matches, schema, outline, items, query.casefold())


def _matches(
    schema: Schema, outline: Outline, items: Mapping[UUID, Row[Any]], wanted: str
) -> list[Json]:
    matches = []
    for index, row in enumerate(outline.rows):
        item = items.get(row.item_id) if row.item_id else None
        if item is None:
            continue
        count = sum(text.casefold().count(wanted) for text in _texts(schema, item))
        if count:
            matches.append(
                {
                    "row_index": index,
                    "placement_id": row.placement_id,
                    "item_id": row.item_id,
                    "count": count,
                }
            )
    return matches


def _texts(schema: Schema, item: Row[Any]) -> Iterable[str]:
    yield item.key or ""
    for name, value in item.attributes.items():
        if isinstance(value, str):
            yield quick_text(value) if schema.is_rich(name) else value
