"""The schema of a project at a version."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.requirements import repository
from reqtrail.features.requirements.types import Attribute, Datatype, ItemType, Schema
from reqtrail.features.versioning.public import Snapshot
from reqtrail.platform.cache import CommitCache

_cache = CommitCache(max_weight=64)


async def load_schema(session: AsyncSession, snapshot: Snapshot) -> Schema:
    """Return the types, attributes and datatypes visible at *snapshot*.

    Schemas change seldom: they are kept by the newest commit that changed one. A database restored from a backup
    counts sequences anew, so the snapshot's branch and that commit's own time are part of the key.
    """
    seq = await repository.schema_seq(session, snapshot)

    async def load() -> tuple[Schema, int]:
        return _build(seq, *await repository.schema_rows(session, snapshot)), 1

    key = (snapshot.project_id, snapshot.branch_id, seq, await _stamp(session, snapshot, seq))
    schema: Schema = await _cache.get(key, load)
    return schema


async def _stamp(session: AsyncSession, snapshot: Snapshot, seq: int) -> bytes:
    if seq == snapshot.seq:
        return snapshot.commit_hash
    return await repository.commit_hash(session, snapshot.project_id, seq)


def _build(seq: int, types: Any, attributes: Any, datatypes: Any) -> Schema:
    by_datatype = {row.entity_id: _datatype(row) for row in datatypes}
    by_type: dict[UUID, list[Attribute]] = {}
    by_id: dict[str, Attribute] = {}
    for row in attributes:
        datatype = by_datatype.get(row.datatype_id)
        attribute = Attribute(
            id=row.entity_id,
            type_id=row.type_id,
            datatype_id=row.datatype_id,
            name=row.name,
            description=row.description,
            multi_valued=row.multi_valued,
            default_value=row.default_value,
            base=datatype.base if datatype else "string",
        )
        by_type.setdefault(row.type_id, []).append(attribute)
        by_id[str(row.entity_id)] = attribute
    return Schema(
        seq=seq,
        types={row.entity_id: _type(row, by_type.get(row.entity_id, [])) for row in types},
        attributes=by_id,
        datatypes=by_datatype,
    )


def _type(row: Row[Any], attributes: list[Attribute]) -> ItemType:
    return ItemType(
        id=row.entity_id,
        category=row.category,
        name=row.name,
        description=row.description,
        presentation=row.presentation,
        attributes=tuple(attributes),
    )


def _datatype(row: Row[Any]) -> Datatype:
    return Datatype(
        id=row.entity_id,
        base=row.base,
        name=row.name,
        description=row.description,
        constraints=row.constraints,
        enum_values=tuple(row.enum_values),
    )
