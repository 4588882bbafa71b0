"""A row of one project in every table of project data, made past the application and past all keys."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, DateTime, Integer, LargeBinary, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.kit import clock
from reqtrail.kit.ids import new_id
from reqtrail.platform.database.engine import Database
from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.database.walls import is_walled

WALLED = [table for table in metadata.sorted_tables if is_walled(table)]
BY_NAME = {table.name: table for table in WALLED}


def a_row(table: Table, project_id: UUID) -> dict[str, Any]:
    """Return values for every column of *table*, of a new row of a project."""
    values = {column.name: _value(column.type) for column in table.columns}
    if "state" in values:
        # Lists of the whole instance show these rows to other tests, and know few states.
        values["state"] = "done"
    return {**values, "project_id": project_id}


def _value(kind: Any) -> Any:
    if isinstance(kind, Uuid):
        return new_id()
    if isinstance(kind, ARRAY):
        return []
    if isinstance(kind, JSONB):
        return {}
    if isinstance(kind, LargeBinary):
        return new_id().bytes
    if isinstance(kind, DateTime):
        return clock.now()
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, Integer):
        return 1
    assert isinstance(kind, Text), kind
    return new_id().hex


async def fill(owner: Database, project_id: UUID) -> None:
    """Give a project a row in every table, and in the hot and the cold partition of every versioned one."""
    async with owner.session() as session:
        await past_the_keys(session)
        for table in WALLED:
            made = insert(table).values(a_row(table, project_id))
            await session.execute(made.on_conflict_do_nothing())  # a project has one row of itself
            if table.info.get("versioned"):
                current = a_row(table, project_id) | {"superseded_at": text("'infinity'")}
                await session.execute(insert(table).values(current))


async def past_the_keys(session: AsyncSession) -> None:
    """Have foreign keys looked after no more until the transaction ends; only a superuser may."""
    await session.execute(text("SET LOCAL session_replication_role = replica"))
