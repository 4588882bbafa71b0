"""Items with their keys and what changed them last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    case,
    cast,
    except_,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Text

from reqtrail.features.requirements import tables
from reqtrail.features.versioning.public import (
    Shape,
    Snapshot,
    any_snapshot,
    at_snapshot,
    commits,
    entities,
    in_given_ids,
    visible,
)

Rows = Sequence[Any]
"""Rows of a query, read by column name."""

TITLE_CHARACTERS = 400
"""How much of a rich text is read to make a title of it."""


async def item_titles(
    session: AsyncSession,
    snapshot: Snapshot,
    ids: Iterable[UUID],
    roles: dict[UUID, tuple[str | None, str | None]],
) -> Rows:
    """Return ``(item, key, type, title, beginning of the text)``, without the other attributes.

    The text is read only of items that have no title.

    Args:
        roles: By type: the ids of the attributes that are title and text.
    """
    named = [
        {str(type_id): pair[index] for type_id, pair in roles.items() if pair[index]}
        for index in (0, 1)
    ]
    statement = _titles(snapshot.shape)
    parameters = at_snapshot(snapshot, ids=list(ids), titles=named[0], texts=named[1])
    return list(await session.execute(statement, parameters))


@cache
def _titles(shape: Shape) -> Select[Any]:
    snapshot = any_snapshot(shape)
    items = visible(tables.items, snapshot, deleted=True)

    def value(roles: str) -> ColumnElement[Any]:
        by_type = bindparam(roles, type_=JSONB)
        found: ColumnElement[Any] = items.c.attributes.op("->>")(
            by_type.op("->>")(cast(items.c.type_id, Text))
        )
        return found

    title = value("titles")
    first = func.left(func.btrim(func.coalesce(title, ""), " \t\r\n\f\v"), 1)
    # A title that is markup may turn out to say nothing.
    beginning = case((first.in_(["", "<"]), func.left(value("texts"), TITLE_CHARACTERS)))
    return (
        select(
            items.c.entity_id,
            entities.c.key,
            items.c.type_id,
            title.label("title"),
            beginning.label("beginning"),
        )
        .join(
            entities,
            and_(
                entities.c.project_id == snapshot.project_id,
                entities.c.entity_id == items.c.entity_id,
            ),
        )
        .where(in_given_ids(items.c.entity_id))
    )


def _items(snapshot: Snapshot, *, deleted: bool = False) -> Any:
    """Return the items and the query of them with their keys and who changed them last, and when."""
    items = visible(tables.items, snapshot, deleted=deleted)
    users = tables.items.metadata.tables["users"]
    statement = (
        select(
            items.c.entity_id,
            items.c.type_id,
            items.c.attributes,
            items.c.seq_from,
            items.c.deleted,
            items.c.salt.is_(None).label("redacted"),
            entities.c.key,
            commits.c.authored_at,
            users.c.display_name.label("changed_by"),
        )
        .join(
            entities,
            and_(
                entities.c.project_id == snapshot.project_id,
                entities.c.entity_id == items.c.entity_id,
            ),
        )
        .outerjoin(
            commits,
            and_(commits.c.project_id == snapshot.project_id, commits.c.seq == items.c.seq_from),
        )
        .outerjoin(users, users.c.user_id == commits.c.author_id)
    )
    return items, statement


async def find_placed_item(
    session: AsyncSession, snapshot: Snapshot, name: str | UUID
) -> Row[Any] | None:
    """Return one item by key or id, deleted or not, with the ``placements`` where it stands."""
    statement = _placed_item(snapshot.shape, isinstance(name, UUID))
    row: Row[Any] | None = (
        await session.execute(statement, at_snapshot(snapshot, name=name))
    ).one_or_none()
    return row


@cache
def _placed_item(shape: Shape, by_id: bool) -> Select[Any]:
    snapshot = any_snapshot(shape)
    items, statement = _items(snapshot, deleted=True)
    placements = visible(tables.placements, snapshot)
    place = func.jsonb_build_object(
        "placement_id",
        placements.c.entity_id,
        "document_id",
        placements.c.document_id,
        "parent_id",
        placements.c.parent_id,
    )
    placed = (
        select(func.jsonb_agg(aggregate_order_by(place, placements.c.entity_id)))
        .where(placements.c.item_id == items.c.entity_id)
        .scalar_subquery()
    )
    wanted: Any = bindparam("name", type_=items.c.entity_id.type)
    if not by_id:
        # Found first: a value can be looked for in each layer of a branch, a join would read all of them.
        wanted = (
            select(entities.c.entity_id)
            .where(
                entities.c.project_id == snapshot.project_id, entities.c.key == bindparam("name")
            )
            .scalar_subquery()
        )
    found: Select[Any] = statement.add_columns(placed.label("placements")).where(
        items.c.entity_id == wanted
    )
    return found


async def item_marks(
    session: AsyncSession, snapshot: Snapshot, ids: Iterable[UUID]
) -> Sequence[Any]:
    """Return ``(item, content hash, who changed it last, whether it was redacted)``, deleted items too."""
    statement = _marks(snapshot.shape)
    rows = await session.execute(statement, at_snapshot(snapshot, ids=list(ids)))
    return list(rows)


@cache
def _marks(shape: Shape) -> Select[Any]:
    snapshot = any_snapshot(shape)
    items = visible(tables.items, snapshot, deleted=True)
    users = tables.items.metadata.tables["users"]
    return (
        select(
            *(items.c.entity_id, items.c.content_hash, users.c.display_name), items.c.salt.is_(None)
        )
        .outerjoin(
            commits,
            and_(commits.c.project_id == snapshot.project_id, commits.c.seq == items.c.seq_from),
        )
        .outerjoin(users, users.c.user_id == commits.c.author_id)
        .where(in_given_ids(items.c.entity_id))
    )


async def load_items(
    session: AsyncSession, snapshot: Snapshot, ids: Iterable[UUID], *, deleted: bool = False
) -> dict[UUID, Row[Any]]:
    """Return visible items by id."""
    statement = _given_items(snapshot.shape, deleted)
    rows = await session.execute(statement, at_snapshot(snapshot, ids=list(ids)))
    return {row.entity_id: row for row in rows}


@cache
def _given_items(shape: Shape, deleted: bool) -> Select[Any]:
    items, statement = _items(any_snapshot(shape), deleted=deleted)
    found: Select[Any] = statement.where(in_given_ids(items.c.entity_id))
    return found


def _unplaced(snapshot: Snapshot, after: UUID | None, limit: int) -> Select[Any]:
    """Return the first ids of items without a placement.

    A set difference costs one pass whatever the planner knows. An anti-join on a project that was just imported, not
    yet analysed, became a nested loop over all placements for every item.
    """
    items, placements = visible(tables.items, snapshot), visible(tables.placements, snapshot)
    free = except_(
        select(items.c.entity_id),
        select(placements.c.item_id).where(placements.c.item_id.is_not(None)),
    ).subquery()
    statement = select(free.c.entity_id).order_by(free.c.entity_id).limit(limit)
    return statement if after is None else statement.where(free.c.entity_id > after)


async def list_items(
    session: AsyncSession, snapshot: Snapshot, *, state: str | None, after: UUID | None, limit: int
) -> Rows:
    """Return items by id: all, those without a placement (``unplaced``) or the ``deleted`` ones."""
    items, statement = _items(snapshot, deleted=state == "deleted")
    if state == "deleted":
        statement = statement.where(items.c.deleted)
    if state == "unplaced":
        statement = statement.where(items.c.entity_id.in_(_unplaced(snapshot, after, limit)))
    if after is not None:
        statement = statement.where(items.c.entity_id > after)
    rows = await session.execute(statement.order_by(items.c.entity_id).limit(limit))
    result: Rows = rows.all()
    return result


async def search_items(session: AsyncSession, snapshot: Snapshot, query: str, limit: int) -> Rows:
    """Return items whose key begins with *query* or whose attributes contain it, keys first."""
    items, statement = _items(snapshot)
    by_key = entities.c.key.ilike(f"{_like(query)}%")
    statement = (
        statement.where(or_(by_key, _holds(items.c.attributes, query)))
        .order_by(by_key.desc(), items.c.entity_id)
        .limit(limit)
    )
    result: Rows = (await session.execute(statement)).all()
    return result


def _holds(attributes: ColumnElement[Any], query: str) -> ColumnElement[bool]:
    """Return whether a text of *attributes* contains *query*, which may hold what JSON writes in another way.

    What JSON itself is made of, such as its quotes and the ids of attributes, is no text. The cheap look at the whole
    goes before the one at each value.
    """
    written = orjson.dumps(query).decode()[1:-1]
    values = func.jsonb_path_query(attributes, cast("lax $.*[*]", JSONPATH)).column_valued("value")
    text = cast(values, JSONB).op("#>>", return_type=Text())(cast([], ARRAY(Text)))
    inside = select(values).where(
        func.jsonb_typeof(values) == "string", text.ilike(f"%{_like(query)}%")
    )
    return and_(cast(attributes, Text).ilike(f"%{_like(written)}%"), inside.exists())


def _like(text: str) -> str:
    """Return *text* as a pattern of LIKE that stands for itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
