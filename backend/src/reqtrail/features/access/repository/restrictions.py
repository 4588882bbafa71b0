"""What of a project not every member may read. Who asks is told by the visible-scope query what it means for them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.tables import groups, read_restrictions
from reqtrail.features.access.types import ReadRestriction, Role


async def list_restrictions(
    session: AsyncSession, project_id: UUID, entity_id: UUID | None = None
) -> list[ReadRestriction]:
    """Return the restrictions of a project, the oldest first, or the one of an entity."""
    table = read_restrictions
    statement = select(table).where(table.c.project_id == project_id)
    if entity_id is not None:
        statement = statement.where(table.c.entity_id == entity_id)
    rows = (await session.execute(statement.order_by(table.c.created_at, table.c.entity_id))).all()
    wanted = {group_id for row in rows for group_id in row.group_ids}
    names = {}
    if wanted:
        found = await session.execute(
            select(groups.c.group_id, groups.c.name).where(groups.c.group_id.in_(wanted))
        )
        names = {row.group_id: row.name for row in found}
    return [
        ReadRestriction(
            row.entity_id,
            row.kind,
            tuple(role for role in Role if role in row.roles),
            tuple((item, names[item]) for item in row.group_ids if item in names),
        )
        for row in rows
    ]


async def put_restriction(session: AsyncSession, **values: Any) -> None:
    """Write the restriction of an entity, in the place of the one that it has."""
    made = insert(read_restrictions).values(**values)
    await session.execute(
        made.on_conflict_do_update(
            index_elements=["project_id", "entity_id"],
            set_={"roles": made.excluded.roles, "group_ids": made.excluded.group_ids},
        )
    )


async def delete_restriction(session: AsyncSession, project_id: UUID, entity_id: UUID) -> None:
    """Remove the restriction of an entity."""
    table = read_restrictions
    await session.execute(
        delete(table).where(table.c.project_id == project_id, table.c.entity_id == entity_id)
    )
