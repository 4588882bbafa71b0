"""The schema of a project at a version."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.requirements import repository
from reqtrail.features.requirements.types import Attribute, Datatype, ItemType, Schema
from reqtrail.features.versioning.public import CommitResult, Snapshot
from reqtrail.platform.cache import CommitCache

_SCHEMA_KINDS = {"type", "attribute", "datatype"}

_cache = CommitCache("schemas", max_weight=64)
_by_commit = CommitCache("schema-versions", max_weight=4096)
"""Which schema is visible at a commit; many commits share one."""


async def load_schema(session: AsyncSession, snapshot: Snapshot) -> Schema:
    """Return the types, attributes and datatypes visible at *snapshot*.

    Schemas change seldom: they are kept by the newest commit that changed one, and found by the snapshot's commit. A
    database restored from a backup counts sequences anew, so hashes are the keys.
    """
    schema: Schema = await _by_commit.get(_key(snapshot), lambda: _find(session, snapshot))
    return schema


async def _find(session: AsyncSession, snapshot: Snapshot) -> tuple[Schema, int]:
    if snapshot.below:
        # A schema put together from several layers has no single commit that made it.
        return (
            _build(snapshot.seq, snapshot.mark, *await repository.schema_rows(session, snapshot)),
            1,
        )
    seq, commit_hash = await repository.schema_commit(session, snapshot)

    async def load() -> tuple[Schema, int]:
        mark = replace(snapshot, commit_hash=commit_hash).mark
        return _build(seq, mark, *await repository.schema_rows(session, snapshot)), 1

    key = (
        *(snapshot.project_id, snapshot.branch_id, seq, commit_hash, snapshot.redacted_seq),
        snapshot.withheld.mark,
    )
    return await _cache.get(key, load), 1


def carry_schema(head: Snapshot, result: CommitResult) -> None:
    """Remember that a commit upon *head* has the same schema, if it changed nothing of it."""
    schema = _by_commit.peek(_key(head))
    if schema is not None and not _SCHEMA_KINDS.intersection(result.counts):
        _by_commit.put(_key(result.snapshot), schema, 1)


def _key(snapshot: Snapshot) -> tuple[UUID, UUID, bytes]:
    return snapshot.project_id, snapshot.branch_id, snapshot.mark


def _build(seq: int, mark: bytes, types: Any, attributes: Any, datatypes: Any) -> Schema:
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
            rank=row.rank,
        )
        by_type.setdefault(row.type_id, []).append(attribute)
        by_id[str(row.entity_id)] = attribute
    return Schema(
        seq=seq,
        mark=mark,
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
        rank=row.rank,
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
