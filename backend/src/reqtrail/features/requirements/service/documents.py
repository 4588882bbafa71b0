"""Documents and the schema in the form that leaves by API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.requirements import repository
from reqtrail.features.requirements.errors import DocumentNotFound
from reqtrail.features.requirements.service.items import present_attributes
from reqtrail.features.requirements.service.schema import load_schema
from reqtrail.features.versioning.public import Snapshot, shown_redactions

Json = dict[str, Any]


async def list_documents(session: AsyncSession, snapshot: Snapshot) -> list[Json]:
    """Return the documents of a project in their order."""
    rows = list(await repository.list_documents(session, snapshot))
    return await _present(session, snapshot, rows)


async def get_document(
    session: AsyncSession, snapshot: Snapshot, document_id: UUID, item_count: int | None = None
) -> Json:
    """Return one document; its placements are counted unless *item_count* says how many they are.

    Raises:
        DocumentNotFound: If it is not visible at *snapshot*.
    """
    row = await repository.find_document(session, snapshot, document_id)
    if row is None:
        raise DocumentNotFound("There is no such document at this version.")
    (document,) = await _present(session, snapshot, [row])
    if item_count is None:
        item_count = await repository.count_placements(session, snapshot, document_id)
    document["item_count"] = item_count
    return document


async def _present(session: AsyncSession, snapshot: Snapshot, rows: list[Row[Any]]) -> list[Json]:
    schema = await load_schema(session, snapshot)
    shown = await present_attributes(session, snapshot, schema, [row.attributes for row in rows])
    redactions = {}
    if any(row.salt is None for row in rows):
        redactions = await shown_redactions(session, snapshot.project_id)
    return [
        {
            "id": row.entity_id,
            "title": row.title,
            "type_id": row.type_id,
            "attributes": attributes,
            "archived": row.archived,
            "rank": row.rank,
            "item_count": row._mapping.get("item_count", 0),
            "redaction": redactions.get((row.entity_id, row.seq_from)),
        }
        for row, attributes in zip(rows, shown, strict=True)
    ]


async def describe_schema(session: AsyncSession, snapshot: Snapshot) -> Json:
    """Return the types with their attributes, and the datatypes."""
    schema = await load_schema(session, snapshot)
    return {
        "types": [
            {
                "id": kind.id,
                "category": kind.category,
                "name": kind.name,
                "description": kind.description,
                "presentation": dict(kind.presentation),
                "rank": kind.rank,
                "attributes": [
                    {
                        "id": attribute.id,
                        "name": attribute.name,
                        "datatype_id": attribute.datatype_id,
                        "base": attribute.base,
                        "multi_valued": attribute.multi_valued,
                        "default_value": attribute.default_value,
                        "description": attribute.description,
                        "rank": attribute.rank,
                    }
                    for attribute in kind.attributes
                ],
            }
            for kind in schema.types.values()
        ],
        "datatypes": [
            {
                "id": datatype.id,
                "base": datatype.base,
                "name": datatype.name,
                "description": datatype.description,
                "constraints": dict(datatype.constraints),
                "enum_values": [
                    {name: value for name, value in entry.items() if name != "extra"}
                    for entry in datatype.enum_values
                ],
            }
            for datatype in schema.datatypes.values()
        ],
    }
