"""What of documents, items and values is there for those who may not read everything of a project.

An item is withheld with a document if it ever stood in it, unless it stands in a document that can be read at the
version in question. So what was taken out of a document, or deleted with it, does not come to light by that.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Table,
    and_,
    bindparam,
    case,
    cast,
    func,
    null,
    or_,
    select,
    true,
    type_coerce,
    union,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Text

from reqtrail.features.access.public import Withheld
from reqtrail.features.requirements import tables
from reqtrail.features.requirements.richtext import object_paths
from reqtrail.features.versioning.public import (
    Guard,
    Reading,
    Snapshot,
    commits,
    in_ids,
    listed,
    visible,
)

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+")


def _taken_in(withheld: Withheld, project_id: Any) -> Select[Any]:
    """Return the query of the items that ever stood in a document that is withheld, on any branch."""
    place = tables.placements.alias()
    return select(place.c.item_id).where(
        place.c.project_id == project_id,
        place.c.document_id == func.any(listed(withheld.documents)),
        place.c.item_id.is_not(None),
    )


def item_can_be_read(item_id: ColumnElement[Any], snapshot: Snapshot) -> ColumnElement[bool]:
    """Return the condition that the item with *item_id*, a column, is not withheld at *snapshot*."""
    places = visible(tables.placements, snapshot)
    shown = select(1).where(places.c.item_id == item_id).exists()
    return or_(item_id.not_in(_taken_in(snapshot.withheld, snapshot.project_id)), shown)


def without_values(rows: FromClause, snapshot: Snapshot) -> Mapping[str, ColumnElement[Any]]:
    """Return the columns of *rows* that hold values, without those of attributes that are withheld.

    What an import keeps besides goes too: it may say the same again.
    """
    keys = cast(listed(snapshot.withheld.attributes), ARRAY(Text))
    left = type_coerce(rows.c.attributes.op("-")(keys), JSONB)
    return {"attributes": left.label("attributes"), "extra": _nothing(rows.c.extra)}


def _nothing(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(null(), column.type).label(column.key)


def _default(rows: FromClause, snapshot: Snapshot) -> Mapping[str, ColumnElement[Any]]:
    """The default of an attribute is one of its values, and so is what an import says of it."""
    withheld = rows.c.entity_id == func.any(listed(snapshot.withheld.attributes))
    return {
        name: case((withheld, cast(null(), JSONB)), else_=rows.c[name]).label(name)
        for name in ("default_value", "extra")
    }


DOCUMENTS = Guard(
    lambda rows, snapshot: [rows.c.entity_id != func.all(listed(snapshot.withheld.documents))],
    without_values,
)
PLACEMENTS = Guard(
    lambda rows, snapshot: [rows.c.document_id != func.all(listed(snapshot.withheld.documents))],
    lambda rows, snapshot: {"extra": _nothing(rows.c.extra)},
)
ITEMS = Guard(
    lambda rows, snapshot: [item_can_be_read(rows.c.entity_id, snapshot)],
    without_values,
)
ATTRIBUTES = Guard(lambda rows, snapshot: [], _default)

READINGS: Final[tuple[tuple[Table, Guard | Reading], ...]] = (
    (tables.documents, DOCUMENTS),
    (tables.items, ITEMS),
    (tables.placements, PLACEMENTS),
    (tables.types, Reading.OPEN),
    (tables.attribute_definitions, ATTRIBUTES),
    (tables.datatypes, Reading.OPEN),
    (tables.files, Reading.NAMED),
)
"""What of each table can be read when something is withheld."""


async def commits_with_withheld(
    session: AsyncSession, project_id: UUID, withheld: Withheld, sequences: Collection[int]
) -> set[int]:
    """Return which of the commits with *sequences* wrote a document that is withheld, or what ever stood in it.

    Those that wrote files are among them: their messages name the files, whichever text shows them.
    """
    documents, places, items = tables.documents, tables.placements, tables.items
    files = tables.files
    links = tables.items.metadata.tables["links"]  # they lie above requirements
    hidden = func.any(listed(withheld.documents))
    taken = _taken_in(withheld, project_id)
    earlier = places.alias()
    moved = select(earlier.c.entity_id).where(
        earlier.c.project_id == project_id, earlier.c.document_id == hidden
    )
    wanted = bindparam(None, list(sequences), type_=ARRAY(BigInteger), unique=True)

    def written(table: Any, condition: ColumnElement[bool]) -> Select[Any]:
        return (
            select(table.c.seq_from)
            .join_from(
                commits,
                table,
                and_(
                    table.c.project_id == commits.c.project_id,
                    table.c.branch_id == commits.c.branch_id,
                    table.c.seq_from == commits.c.seq,
                ),
            )
            .where(commits.c.project_id == project_id, commits.c.seq == func.any(wanted), condition)
        )

    statement = union(
        written(documents, documents.c.entity_id == hidden),
        written(places, places.c.entity_id.in_(moved)),
        written(items, items.c.entity_id.in_(taken)),
        written(files, true()),
        written(links, or_(links.c.source_id.in_(taken), links.c.target_id.in_(taken))),
    )
    return set(await session.scalars(statement))


async def entities_of_withheld(
    session: AsyncSession, project_id: UUID, withheld: Withheld, kind: str, ids: Collection[UUID]
) -> set[UUID]:
    """Return which of the entities of *kind* ever had to do with a document that is withheld.

    An attribute of which values are withheld counts too: its default is one of them.
    """
    if kind == "attribute":
        return set(ids).intersection(withheld.attributes)
    hidden = func.any(listed(withheld.documents))
    taken = _taken_in(withheld, project_id)
    links = tables.items.metadata.tables["links"]
    conditions = {
        "document": (tables.documents, tables.documents.c.entity_id == hidden),
        "placement": (
            tables.placements,
            or_(tables.placements.c.document_id == hidden, tables.placements.c.item_id.in_(taken)),
        ),
        "item": (tables.items, tables.items.c.entity_id.in_(taken)),
        "link": (links, or_(links.c.source_id.in_(taken), links.c.target_id.in_(taken))),
    }
    if kind not in conditions:
        return set()
    table, condition = conditions[kind]
    statement = select(table.c.entity_id).where(
        table.c.project_id == project_id, in_ids(table.c.entity_id, ids), condition
    )
    return set(await session.scalars(statement))


async def file_is_withheld(session: AsyncSession, snapshot: Snapshot, sha256: bytes) -> bool:
    """Return whether a file may be embedded where the one who reads may not, and at *snapshot* nowhere else.

    Cost is in the texts of the documents that are withheld; only what may be embedded there is looked for elsewhere.
    """
    files = tables.files
    own = select(files.c.path).where(
        files.c.project_id == snapshot.project_id, files.c.sha256 == sha256
    )
    paths = set(await session.scalars(own))
    pieces = {max(_PLAIN.findall(path), key=len, default="object") for path in paths}
    if not pieces or not await session.scalar(select(_in_withheld(snapshot, pieces))):
        return False
    for rows in (visible(table, snapshot) for table in (tables.items, tables.documents)):
        texts = await session.stream_scalars(
            select(rows.c.attributes).where(_mentions(rows.c.attributes, pieces))
        )
        async for values in texts:
            if paths & object_paths(value for value in values.values() if isinstance(value, str)):
                return False
    return True


def _mentions(values: ColumnElement[Any], pieces: Collection[str]) -> ColumnElement[bool]:
    """Return whether a text may embed a file, by a piece of its path that is written alike in every encoding."""
    return or_(*(cast(values, Text).contains(piece, autoescape=True) for piece in sorted(pieces)))


def _in_withheld(snapshot: Snapshot, pieces: Collection[str]) -> ColumnElement[bool]:
    withheld, project_id = snapshot.withheld, snapshot.project_id
    documents, items = tables.documents, tables.items
    keys = cast(listed(withheld.attributes), ARRAY(Text))
    of_documents = select(1).where(
        documents.c.project_id == project_id,
        documents.c.entity_id == func.any(listed(withheld.documents)),
        _mentions(documents.c.attributes, pieces),
    )
    of_items = select(1).where(
        items.c.project_id == project_id,
        or_(
            items.c.entity_id.in_(_taken_in(withheld, project_id)),
            items.c.attributes.op("?|", is_comparison=True)(keys),
        ),
        _mentions(items.c.attributes, pieces),
    )
    return or_(of_documents.exists(), of_items.exists())
