"""Which commits touched a document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.requirements import tables
from reqtrail.features.versioning.public import Level, Snapshot

Rows = Sequence[Any]


async def commits_of_document(
    session: AsyncSession, snapshot: Snapshot, document_id: UUID, before: int | None, limit: int
) -> Rows:
    """Return ``(seq, items, places, document)`` of the commits that led to *snapshot* and touched a document.

    Newest first, with a sequence below *before* if given. An item counts while it stands in the document. Cost is in
    the revisions of what stands or stood in the document, whatever else the project holds.
    """
    touched = union_all(
        *(
            statement
            for depth, level in enumerate(snapshot.levels)
            for statement in _written_on(snapshot, depth, level, document_id)
        )
    ).subquery("touched")

    def number(what: str) -> Any:
        return func.count(touched.c.entity_id.distinct()).filter(touched.c.what == what)

    statement = select(
        touched.c.seq,
        number("item").label("items"),
        number("placement").label("places"),
        (number("document") > 0).label("document"),
    )
    if before is not None:
        statement = statement.where(touched.c.seq < before)
    statement = statement.group_by(touched.c.seq).order_by(touched.c.seq.desc()).limit(limit)
    return (await session.execute(statement)).all()


def _written_on(
    snapshot: Snapshot, depth: int, level: Level, document_id: UUID
) -> list[Select[Any]]:
    """Return what one layer's own commits did to the document, as queries for ``(seq, what, entity_id)``."""
    documents, placements = tables.documents, tables.placements
    standing = placements.c.document_id == document_id
    moved_out = select(
        placements.c.seq_to.label("seq"), literal("placement").label("what"), placements.c.entity_id
    ).where(
        *_on(placements, snapshot, level),
        standing,
        placements.c.deleted.is_(False),
        placements.c.seq_to <= level.seq,
    )
    return [
        _written(documents, "document", snapshot, level).where(
            documents.c.entity_id == document_id
        ),
        _written(placements, "placement", snapshot, level).where(standing),
        moved_out,
        *(
            _taken_from_below(snapshot, level, below, document_id)
            for below in snapshot.levels[depth + 1 :]
        ),
        *(
            _items_changed(snapshot, level, place, document_id)
            for place in range(len(snapshot.levels))
        ),
    ]


def _on(table: Any, snapshot: Snapshot, level: Level) -> list[ColumnElement[bool]]:
    return [
        table.c.project_id == snapshot.project_id,
        table.c.branch_id == level.branch_id,
        table.c.seq_from <= level.seq,
    ]


def _written(table: Any, what: str, snapshot: Snapshot, level: Level) -> Select[Any]:
    return select(
        table.c.seq_from.label("seq"), literal(what).label("what"), table.c.entity_id
    ).where(*_on(table, snapshot, level))


def _taken_from_below(
    snapshot: Snapshot, level: Level, below: Level, document_id: UUID
) -> Select[Any]:
    """What stood in the document on a lower layer and was first written on this one: moved elsewhere, say."""
    own, lower = tables.placements, tables.placements.alias()
    shown = select(1).where(
        *_on(lower, snapshot, below),
        lower.c.entity_id == own.c.entity_id,
        lower.c.document_id == document_id,
        lower.c.seq_to > below.seq,
        lower.c.deleted.is_(False),
    )
    earlier = tables.placements.alias()
    first = ~(
        select(1)
        .where(
            *_on(earlier, snapshot, level),
            earlier.c.entity_id == own.c.entity_id,
            earlier.c.seq_from < own.c.seq_from,
        )
        .exists()
    )
    return _written(own, "placement", snapshot, level).where(
        own.c.document_id != document_id, first, shown.exists()
    )


def _items_changed(snapshot: Snapshot, level: Level, depth: int, document_id: UUID) -> Select[Any]:
    """Items written on *level* while a placement of the layer at *depth* held them in the document.

    A nearer layer's placement hides the one of a lower layer from its own beginning on.
    """
    items, place = tables.items, tables.placements.alias()
    layer = snapshot.levels[depth]
    held = and_(
        place.c.seq_from <= items.c.seq_from,
        or_(place.c.seq_to >= items.c.seq_from, place.c.seq_to > layer.seq),
    )
    statement = (
        _written(items, "item", snapshot, level)
        .join(place, place.c.item_id == items.c.entity_id)
        .where(
            *_on(place, snapshot, layer),
            place.c.document_id == document_id,
            place.c.deleted.is_(False),
            held,
        )
    )
    for nearer in snapshot.levels[:depth]:
        mask = tables.placements.alias()
        hidden = select(1).where(
            *_on(mask, snapshot, nearer),
            mask.c.entity_id == place.c.entity_id,
            mask.c.seq_from < items.c.seq_from,
        )
        statement = statement.where(~hidden.exists())
    return statement
