"""Queries on what of imported histories the project has already: their commits say where they come from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning.public import commits

_SOURCE = commits.c.details["history"]


def _imported(project_id: UUID, *columns: Any) -> Select[Any]:
    return select(*columns).where(
        commits.c.project_id == project_id,
        commits.c.kind == "import",
        commits.c.details.has_key("history"),
    )


async def imported_lines(
    session: AsyncSession, project_id: UUID, root: str, after: int = 0
) -> list[Row[Any]]:
    """Return ``(commit, import, seq)`` of each line of the history *root* that was written after a sequence."""
    statement = _imported(
        project_id,
        _SOURCE["commit"].astext.label("commit"),
        commits.c.details["import"].astext.label("job"),
        commits.c.seq,
    ).where(_SOURCE["root"].astext == root, commits.c.seq > after)
    return list(await session.execute(statement.order_by(commits.c.seq)))


async def any_imported(session: AsyncSession, project_id: UUID, wanted: Iterable[str]) -> bool:
    """Return whether a line of any history that was imported has one of the commit ids *wanted*."""
    among = bindparam(None, list(wanted), type_=ARRAY(Text), unique=True)
    statement = _imported(project_id, commits.c.seq).where(
        _SOURCE["commit"].astext == func.any(among)
    )
    return await session.scalar(statement.limit(1)) is not None


async def imported_file(
    session: AsyncSession, project_id: UUID, sha256: str, authored_at: datetime
) -> int | None:
    """Return the commit that imported the file with a hash as the state of a moment, if there is one."""
    found: int | None = await session.scalar(
        _imported(project_id, commits.c.seq)
        .where(_SOURCE["sha256"].astext == sha256, commits.c.authored_at == authored_at)
        .order_by(commits.c.seq.desc())
        .limit(1)
    )
    return found
