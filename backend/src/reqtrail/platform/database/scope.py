"""On whose behalf a transaction runs: what PostgreSQL's policies go by, set for one transaction and gone with it.

``reqtrail.actor`` is the account, ``reqtrail.administrator`` is ``on`` for an administrator's, ``reqtrail.groups`` and
``reqtrail.projects`` list what the account is in, ``reqtrail.project`` is the one project whose content can be reached,
and ``reqtrail.task`` names a task of the instance that crosses projects. All of them are unset when a transaction
begins, and nothing of any project is visible then. :mod:`reqtrail.platform.database.walls` says which opens what.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, bindparam, func, literal_column, select, true
from sqlalchemy.ext.asyncio import AsyncSession

ACTOR: Final = "reqtrail.actor"
ADMINISTRATOR: Final = "reqtrail.administrator"
GROUPS: Final = "reqtrail.groups"
PROJECTS: Final = "reqtrail.projects"
PROJECT: Final = "reqtrail.project"
TASK: Final = "reqtrail.task"

Opening = Callable[[AsyncSession], Awaitable[None]]
"""Says at the beginning of a transaction on whose behalf it runs."""


NOTHING: Final[ColumnElement[str]] = literal_column("''", String)
"""The value of what is not set; it opens nothing."""


def set_local(name: str, value: ColumnElement[str]) -> ColumnElement[str]:
    """Return the expression that sets *name* until the transaction ends, and is *value*."""
    return func.set_config(literal_column(f"'{name}'"), value, true())


async def enter_project(session: AsyncSession, project_id: UUID) -> None:
    """Let the transaction reach the content of one project.

    For what has no actor, such as sealing, and for a project that is just being made. Whatever acts for somebody enters
    by the query that proves what they may see.
    """
    await session.execute(_set(PROJECT), {"value": str(project_id)})


def of_project(project_id: UUID) -> Opening:
    """Return what opens transactions of the instance itself in one project."""

    async def enter(session: AsyncSession) -> None:
        await enter_project(session, project_id)

    return enter


def of_task(name: str) -> Opening:
    """Return what opens transactions of a task that crosses projects; a table's wall names what the task reaches."""

    async def begin(session: AsyncSession) -> None:
        await session.execute(_set(TASK), {"value": name})

    return begin


def _set(name: str) -> Select[tuple[str]]:
    return select(set_local(name, bindparam("value", type_=String)))
