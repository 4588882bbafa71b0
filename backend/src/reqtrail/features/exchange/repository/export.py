"""What an export reads: everything of one file, in the order of the file, in batches."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    and_,
    cast,
    false,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning.public import (
    Snapshot,
    commits,
    entities,
    get_kind,
    in_ids,
    visible,
)

BATCH: Final = 500


@dataclass(frozen=True)
class FileScope:
    """What belongs to one file of an export.

    Attributes:
        package_id: The package that the file continues; None for a project that imported none.
        others: The other packages of the project. What belongs to none of all goes into the first file.
        is_first: Whether this is the first file.
        documents: The documents of the file.
    """

    snapshot: Snapshot
    package_id: UUID | None
    others: Sequence[UUID]
    is_first: bool
    documents: Sequence[UUID]


def _of_package(column: Any, scope: FileScope) -> ColumnElement[bool]:
    mine: ColumnElement[bool] = (
        column["p"].astext == str(scope.package_id) if scope.package_id else false()
    )
    return mine


def _of_none(column: Any, scope: FileScope) -> ColumnElement[bool]:
    packages = [str(item) for item in (scope.package_id, *scope.others) if item]
    return func.coalesce(column["p"].astext, "").not_in(packages)


def _placed(scope: FileScope) -> Select[Any]:
    placements = visible(get_kind("placement").table, scope.snapshot)
    return select(placements.c.item_id).where(in_ids(placements.c.document_id, scope.documents))


def _items(scope: FileScope) -> tuple[Any, ColumnElement[bool]]:
    table = visible(get_kind("item").table, scope.snapshot)
    if not scope.others:
        return table, true()
    conditions = [_of_package(table.c.extra, scope), table.c.entity_id.in_(_placed(scope))]
    if scope.is_first:
        placements = visible(get_kind("placement").table, scope.snapshot)
        anywhere = select(placements.c.item_id).where(placements.c.item_id.is_not(None))
        conditions.append(and_(_of_none(table.c.extra, scope), table.c.entity_id.not_in(anywhere)))
    return table, or_(*conditions)


def _links(scope: FileScope) -> tuple[Any, ColumnElement[bool]]:
    table = visible(get_kind("link").table, scope.snapshot)
    if not scope.others:
        return table, true()
    items, condition = _items(scope)
    own = and_(
        _of_none(table.c.extra, scope),
        table.c.source_id.in_(select(items.c.entity_id).where(condition)),
    )
    return table, or_(_of_package(table.c.extra, scope), own)


def _groups(scope: FileScope) -> tuple[Any, ColumnElement[bool]]:
    table = visible(get_kind("link_group").table, scope.snapshot)
    condition = _of_package(table.c.extra, scope)
    if scope.is_first:
        condition = or_(condition, _of_none(table.c.extra, scope))
    return table, condition


def _with_commit(table: Any, *more: Any) -> Select[Any]:
    """Select content with the commit that wrote it: an export says when something was changed in the product."""
    return select(table, *more, commits.c.kind.label("commit_kind"), commits.c.recorded_at).join(
        commits,
        and_(commits.c.project_id == table.c.project_id, commits.c.seq == table.c.seq_from),
    )


def _in_file_order(table: Any) -> tuple[Any, ...]:
    return (cast(table.c.extra["n"].astext, BigInteger).asc().nulls_last(), table.c.entity_id)


async def _batches(
    session: AsyncSession, statement: Select[Any]
) -> AsyncGenerator[Sequence[Row[Any]], None]:
    result = await session.stream(statement.execution_options(yield_per=BATCH))
    try:
        async for rows in result.partitions(BATCH):
            yield rows
    finally:
        await result.close()


async def schema_rows(session: AsyncSession, snapshot: Snapshot, kind: str) -> list[Row[Any]]:
    """Return all of a kind of the schema, or all documents, in file order, what has ranks by them after that."""
    table = visible(get_kind(kind).table, snapshot)
    order: list[Any] = [cast(table.c.extra["n"].astext, BigInteger).asc().nulls_last()]
    if "rank" in table.c:
        order.append(table.c.rank.collate("C"))
    return list(await session.execute(_with_commit(table).order_by(*order, table.c.entity_id)))


async def attribute_rows(session: AsyncSession, snapshot: Snapshot) -> list[Row[Any]]:
    """Return all attributes, those of one type in their order."""
    table = visible(get_kind("attribute").table, snapshot)
    return list(
        await session.execute(
            _with_commit(table).order_by(table.c.rank.collate("C"), table.c.entity_id)
        )
    )


async def used_types(session: AsyncSession, scope: FileScope) -> dict[str, set[UUID | None]]:
    """Return for items, links and link groups of a file which types they have; None stands for none."""
    used = {}
    for kind, (table, condition) in (
        ("item", _items(scope)),
        ("link", _links(scope)),
        ("link_group", _groups(scope)),
    ):
        used[kind] = set(await session.scalars(select(table.c.type_id).where(condition).distinct()))
    return used


async def item_batches(
    session: AsyncSession, scope: FileScope
) -> AsyncGenerator[Sequence[Row[Any]], None]:
    """Yield the items of a file with their human keys."""
    table, condition = _items(scope)
    statement = (
        _with_commit(table, entities.c.key)
        .join(
            entities,
            and_(
                entities.c.project_id == table.c.project_id,
                entities.c.entity_id == table.c.entity_id,
            ),
        )
        .where(condition)
        .order_by(*_in_file_order(table))
    )
    async with aclosing(_batches(session, statement)) as batches:
        async for rows in batches:
            yield rows


async def link_batches(
    session: AsyncSession, scope: FileScope
) -> AsyncGenerator[Sequence[Row[Any]], None]:
    """Yield the links of a file; :func:`names_of` says what their ends are called."""
    table, condition = _links(scope)
    statement = _with_commit(table).where(condition).order_by(*_in_file_order(table))
    async with aclosing(_batches(session, statement)) as batches:
        async for rows in batches:
            yield rows


async def placement_rows(
    session: AsyncSession, snapshot: Snapshot, document_id: UUID
) -> list[Row[Any]]:
    """Return the placements of a document by rank; ``item_extra`` says what the item of each is called."""
    table = visible(get_kind("placement").table, snapshot)
    items = visible(get_kind("item").table, snapshot)
    statement = (
        _with_commit(table, items.c.extra.label("item_extra"))
        .outerjoin(items, items.c.entity_id == table.c.item_id)
        .where(table.c.document_id == document_id)
        .order_by(table.c.rank.collate("C"), table.c.entity_id)
    )
    return list(await session.execute(statement))


async def group_rows(session: AsyncSession, scope: FileScope) -> list[Row[Any]]:
    """Return the link groups of a file."""
    table, condition = _groups(scope)
    return list(
        await session.execute(_with_commit(table).where(condition).order_by(*_in_file_order(table)))
    )


async def names_of(
    session: AsyncSession, snapshot: Snapshot, kind: str, ids: Iterable[UUID]
) -> dict[UUID, dict[str, Any] | None]:
    """Return ``extra`` of entities of a kind by id."""
    table = visible(get_kind(kind).table, snapshot)
    rows = await session.execute(
        select(table.c.entity_id, table.c.extra).where(in_ids(table.c.entity_id, list(ids)))
    )
    return {row[0]: row[1] for row in rows}


async def file_rows(session: AsyncSession, snapshot: Snapshot) -> list[Row[Any]]:
    """Return the files visible at *snapshot* in the order of their archive."""
    table = visible(get_kind("file").table, snapshot)
    return list(
        await session.execute(
            # The bytes and the name of a redacted file are gone.
            select(table)
            .where(table.c.salt.is_not(None))
            .order_by(*_in_file_order(table))
        )
    )
