"""Branches, what lies below them, and the names of refs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Result, Row, Select, bindparam, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning.tables import (
    baselines,
    branch_bases,
    branches,
    commits,
    project_counters,
    ref_names,
)
from reqtrail.features.versioning.types import BOOK_KINDS, Level

_PROJECT = bindparam("project", type_=project_counters.c.project_id.type)


async def load_branch(session: AsyncSession, project_id: UUID, name: str) -> Row[Any] | None:
    """Return the branch called *name*."""
    rows = await session.execute(_branch(), {"project": project_id, "name": name})
    found: Row[Any] | None = rows.one_or_none()
    return found


@cache
def _branch() -> Select[Any]:
    return select(branches).where(
        branches.c.project_id == _PROJECT, branches.c.name == bindparam("name")
    )


async def load_branch_by_id(
    session: AsyncSession, project_id: UUID, branch_id: UUID
) -> Row[Any] | None:
    """Return a branch."""
    return (
        await session.execute(
            select(branches).where(
                branches.c.project_id == project_id, branches.c.branch_id == branch_id
            )
        )
    ).one_or_none()


async def load_branches(session: AsyncSession, project_id: UUID) -> list[Row[Any]]:
    """Return every branch of a project in the order in which they were made."""
    return list(
        await session.execute(
            select(branches)
            .where(branches.c.project_id == project_id)
            .order_by(branches.c.created_seq)
        )
    )


async def children_of_branch(
    session: AsyncSession, project_id: UUID, branch_id: UUID
) -> list[Row[Any]]:
    """Return the open branches whose parent is *branch_id*, in the order in which they were made."""
    return list(
        await session.execute(
            select(branches)
            .where(
                branches.c.project_id == project_id,
                branches.c.parent_id == branch_id,
                branches.c.state == "open",
            )
            .order_by(branches.c.created_seq)
        )
    )


async def levels_below(
    session: AsyncSession, project_id: UUID, branch_id: UUID, seq: int
) -> tuple[Level, ...]:
    """Return what lies below a branch as of its commit *seq*, nearest first."""
    parameters = {"project": project_id, "branch": branch_id, "seq": seq}
    return tuple(
        Level(row.branch_id, row.seq, row.recorded_at, row.seq == row.head_seq)
        for row in await session.execute(_levels(), parameters)
    )


@cache
def _levels() -> Select[Any]:
    base = branch_bases
    chain = (
        select(
            literal(0).label("depth"),
            bindparam("branch", type_=base.c.branch_id.type).label("branch_id"),
            bindparam("seq", type_=base.c.from_seq.type).label("seq"),
        )
    ).cte("chain", recursive=True)
    newest = (
        select(base.c.parent_branch_id, base.c.parent_seq)
        .where(
            base.c.project_id == _PROJECT,
            base.c.branch_id == chain.c.branch_id,
            base.c.from_seq <= chain.c.seq,
        )
        .order_by(base.c.from_seq.desc())
        .limit(1)
        .correlate(chain)
        .lateral("newest")
    )
    chain = chain.union_all(
        select(chain.c.depth + 1, newest.c.parent_branch_id, newest.c.parent_seq).select_from(
            chain.join(newest, literal(True))
        )
    )
    return (
        select(chain.c.branch_id, chain.c.seq, commits.c.recorded_at, branches.c.head_seq)
        .join(commits, (commits.c.project_id == _PROJECT) & (commits.c.seq == chain.c.seq))
        .join(
            branches,
            (branches.c.project_id == _PROJECT) & (branches.c.branch_id == chain.c.branch_id),
        )
        .where(chain.c.depth > 0)
        .order_by(chain.c.depth)
    )


async def load_bases(
    session: AsyncSession, project_id: UUID, branch_id: UUID, up_to: int
) -> list[tuple[int, UUID, int]]:
    """Return ``(from_seq, parent branch, parent_seq)`` of a branch's bases up to a commit, oldest first."""
    rows = await session.execute(
        select(branch_bases.c.from_seq, branch_bases.c.parent_branch_id, branch_bases.c.parent_seq)
        .where(
            branch_bases.c.project_id == project_id,
            branch_bases.c.branch_id == branch_id,
            branch_bases.c.from_seq <= up_to,
        )
        .order_by(branch_bases.c.from_seq)
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def insert_branch(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Make a branch."""
    await session.execute(insert(branches).values(**values))


async def insert_base(
    session: AsyncSession, project_id: UUID, branch_id: UUID, from_seq: int, level: Level
) -> None:
    """Let *level*'s branch, as of its sequence, lie below a branch from *from_seq* on."""
    await session.execute(
        insert(branch_bases).values(
            project_id=project_id,
            branch_id=branch_id,
            from_seq=from_seq,
            parent_branch_id=level.branch_id,
            parent_seq=level.seq,
        )
    )


async def update_branch(
    session: AsyncSession, project_id: UUID, branch_ids: Iterable[UUID], **values: Any
) -> None:
    """Change columns of branches."""
    await session.execute(
        update(branches)
        .where(branches.c.project_id == project_id, branches.c.branch_id.in_(list(branch_ids)))
        .values(**values)
    )


async def load_ref_name(session: AsyncSession, project_id: UUID, name: str) -> Row[Any] | None:
    """Return what has, or had, the *name*: ``branch_id``, and ``baseline_id`` if it is a baseline."""
    rows: Result[Any] = await session.execute(
        select(ref_names.c.branch_id, ref_names.c.baseline_id).where(
            ref_names.c.project_id == project_id, ref_names.c.folded == name.casefold()
        )
    )
    return rows.one_or_none()


async def insert_ref_name(
    session: AsyncSession,
    project_id: UUID,
    name: str,
    branch_id: UUID,
    baseline_id: UUID | None = None,
) -> None:
    """Give a name for good."""
    await session.execute(
        insert(ref_names).values(
            project_id=project_id,
            folded=name.casefold(),
            branch_id=branch_id,
            baseline_id=baseline_id,
        )
    )


async def insert_baseline(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Make a baseline."""
    await session.execute(insert(baselines).values(**values))


async def load_baselines(
    session: AsyncSession, project_id: UUID, baseline_id: UUID | None = None
) -> list[Row[Any]]:
    """Return the baselines of a project, newest first, or the one with an id."""
    statement = select(baselines).where(baselines.c.project_id == project_id)
    if baseline_id is not None:
        statement = statement.where(baselines.c.baseline_id == baseline_id)
    return list(await session.execute(statement.order_by(baselines.c.made_seq.desc())))


async def count_commits(
    session: AsyncSession, project_id: UUID, branch_id: UUID, after: int
) -> list[tuple[int, str, Any]]:
    """Return ``(sequence, kind, details)`` of a branch's commits after *after* that can have changed content."""
    rows = await session.execute(
        select(commits.c.seq, commits.c.kind, commits.c.details)
        .where(
            commits.c.project_id == project_id,
            commits.c.branch_id == branch_id,
            commits.c.seq > after,
            commits.c.kind.not_in(BOOK_KINDS),
        )
        .order_by(commits.c.seq)
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def changed_since(session: AsyncSession, moment: datetime) -> list[UUID]:
    """Return the projects, of those that the transaction sees, that have a commit since a moment."""
    found = await session.scalars(
        select(project_counters.c.project_id)
        .where(project_counters.c.last_recorded_at >= moment)
        .order_by(project_counters.c.project_id)
    )
    return list(found)


async def last_sequence(session: AsyncSession, project_id: UUID) -> int:
    """Return the newest sequence of a project, on whatever branch."""
    return (
        await session.scalar(
            select(func.coalesce(func.max(project_counters.c.last_seq), 0)).where(
                project_counters.c.project_id == project_id
            )
        )
    ) or 0
