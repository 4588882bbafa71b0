"""The commit log, the branches and the counter row that a commit locks before it touches any other row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import withheld_in
from reqtrail.features.versioning.tables import branches, commits, project_counters, ref_names
from reqtrail.features.versioning.types import REDACTION, CommitRecord
from reqtrail.features.versioning.withholding import traced_commits

_STRUCTURE = ("base", "merge", "redoes", "restores", "reverts")
_PROJECT = bindparam("project", type_=project_counters.c.project_id.type)


@dataclass(frozen=True)
class Counter:
    """What a commit took from the project's counter row, whose lock it now holds."""

    seq: int
    recorded_at: datetime
    first_item_number: int


async def insert_project(
    session: AsyncSession, project_id: UUID, branch_id: UUID, name: str, head: bytes
) -> None:
    """Make the counter row and the root branch of a new project."""
    await session.execute(
        insert(project_counters).values(
            project_id=project_id,
            last_seq=0,
            last_recorded_at=func.clock_timestamp(),
            last_item_number=0,
        )
    )
    await session.execute(
        insert(branches).values(
            project_id=project_id,
            branch_id=branch_id,
            name=name,
            created_seq=1,
            head_seq=0,
            head_hash=head,
            head_recorded_at=func.clock_timestamp(),
        )
    )
    await session.execute(
        insert(ref_names).values(project_id=project_id, folded=name.casefold(), branch_id=branch_id)
    )


async def take_sequence(session: AsyncSession, project_id: UUID) -> Counter | None:
    """Take the next sequence and lock the project's counter row until the transaction ends; None: no such project."""
    row = (await session.execute(_take_sequence(), {"project": project_id})).one_or_none()
    return None if row is None else Counter(row[0], row[1], row[2] + 1)


@cache
def _take_sequence() -> Any:
    return (
        update(project_counters)
        .where(project_counters.c.project_id == _PROJECT)
        .values(
            last_seq=project_counters.c.last_seq + 1,
            last_recorded_at=func.greatest(
                func.clock_timestamp(),
                project_counters.c.last_recorded_at + text("interval '1 microsecond'"),
            ),
        )
        .returning(
            project_counters.c.last_seq,
            project_counters.c.last_recorded_at,
            project_counters.c.last_item_number,
        )
    )


async def lock_counter(session: AsyncSession, project_id: UUID) -> None:
    """Lock the project's counter row until the transaction ends."""
    await session.execute(
        select(project_counters.c.last_seq)
        .where(project_counters.c.project_id == project_id)
        .with_for_update()
    )


async def give_back_sequence(session: AsyncSession, project_id: UUID) -> None:
    """Undo :func:`take_sequence` in the same transaction: the commit had no effect."""
    await session.execute(
        update(project_counters)
        .where(project_counters.c.project_id == project_id)
        .values(last_seq=project_counters.c.last_seq - 1)
    )


async def set_item_number(session: AsyncSession, project_id: UUID, number: int) -> None:
    """Remember the highest item number given out or brought by an import."""
    await session.execute(
        update(project_counters)
        .where(project_counters.c.project_id == project_id)
        .values(last_item_number=func.greatest(project_counters.c.last_item_number, number))
    )


async def load_counter(session: AsyncSession, project_id: UUID) -> Row[Any] | None:
    """Return the counter row of a project."""
    return (
        await session.execute(
            select(project_counters).where(project_counters.c.project_id == project_id)
        )
    ).one_or_none()


async def insert_commit(session: AsyncSession, project_id: UUID, record: CommitRecord) -> None:
    """Write the commit row and make it the head of its branch, in one statement."""
    values = {**vars(record), "parents": list(record.parents), "details": dict(record.details)}
    await session.execute(
        _insert_commit(),
        {"new_project_id": project_id, **{f"new_{name}": item for name, item in values.items()}},
    )


@cache
def _insert_commit() -> Any:
    column = commits.c
    made = (
        insert(commits)
        .values({one.name: bindparam(f"new_{one.name}", type_=one.type) for one in column})
        .returning(column.project_id, column.branch_id, column.seq, column.hash, column.recorded_at)
        .cte("made")
    )
    return (
        update(branches)
        .where(
            branches.c.project_id == made.c.project_id,
            branches.c.branch_id == made.c.branch_id,
        )
        .values(head_seq=made.c.seq, head_hash=made.c.hash, head_recorded_at=made.c.recorded_at)
    )


def select_commits() -> Select[Any]:
    """Return the query of commits, whose rows :func:`record_of` reads."""
    return select(*(column for column in commits.c if column.name != "project_id"))


def record_of(row: Row[Any]) -> CommitRecord:
    """Return a row of :func:`select_commits` as a record."""
    values = row._mapping
    return CommitRecord(**{**values, "parents": tuple(values["parents"])})


async def load_commit(session: AsyncSession, project_id: UUID, seq: int) -> CommitRecord | None:
    """Return the commit with sequence *seq*."""
    row = (
        await session.execute(
            select_commits().where(commits.c.project_id == project_id, commits.c.seq == seq)
        )
    ).one_or_none()
    return None if row is None else (await _told(session, project_id, [row]))[0]


async def _told(
    session: AsyncSession, project_id: UUID, rows: Iterable[Row[Any]]
) -> list[CommitRecord]:
    """Return *rows* as records; what was said of those that wrote something which *session* withholds is left out."""
    records = [record_of(row) for row in rows]
    withheld = withheld_in(session)
    if not withheld or not records:
        return records
    traced = await traced_commits(session, project_id, withheld, [item.seq for item in records])
    return [
        (
            replace(item, message="", details=_structure(item.details))
            if item.seq in traced or item.kind == REDACTION
            else item
        )
        for item in records
    ]


def _structure(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a commit's *details* only what says from which states it was made."""
    kept = {name: details[name] for name in _STRUCTURE if name in details}
    if "restores" in kept:
        kept["restores"] = {"seq": kept["restores"]["seq"]}
    return kept


async def load_commit_at(
    session: AsyncSession, project_id: UUID, branch_id: UUID, moment: datetime
) -> CommitRecord | None:
    """Return the newest commit of a branch that was recorded at *moment* or before.

    A moment before the first record falls into imported history, if there is any, and is answered by authored dates.
    They decide nowhere else: what a later import says about the past must not change what a date names.
    """
    for column in (commits.c.recorded_at, commits.c.authored_at):
        record = await _newest(session, project_id, branch_id, column <= moment)
        if record is not None:
            return record
    return None


async def load_commit_as_of(
    session: AsyncSession, project_id: UUID, branch_id: UUID, seq: int
) -> CommitRecord | None:
    """Return the newest commit of a branch with a sequence of at most *seq*."""
    return await _newest(session, project_id, branch_id, commits.c.seq <= seq)


async def _newest(
    session: AsyncSession, project_id: UUID, branch_id: UUID, condition: ColumnElement[bool]
) -> CommitRecord | None:
    row = (
        await session.execute(
            select_commits()
            .where(commits.c.project_id == project_id, commits.c.branch_id == branch_id, condition)
            .order_by(commits.c.seq.desc())
            .limit(1)
        )
    ).one_or_none()
    return None if row is None else (await _told(session, project_id, [row]))[0]


async def list_commits(
    session: AsyncSession,
    project_id: UUID,
    *,
    before: int | None,
    limit: int,
    author_id: UUID | None = None,
    among: Iterable[int] | None = None,
    spans: Iterable[tuple[UUID, int]] | None = None,
) -> list[CommitRecord]:
    """Return commits, newest first, with a sequence below *before* and, if given, *among* some.

    Args:
        spans: Branches, each with the sequence up to which its commits are wanted.
    """
    statement = select_commits().where(commits.c.project_id == project_id)
    if spans is not None:
        statement = statement.where(
            or_(
                *(
                    and_(commits.c.branch_id == branch_id, commits.c.seq <= seq)
                    for branch_id, seq in spans
                )
            )
        )
    if before is not None:
        statement = statement.where(commits.c.seq < before)
    if author_id is not None:
        statement = statement.where(commits.c.author_id == author_id)
    if among is not None:
        wanted = bindparam(None, list(among), type_=ARRAY(commits.c.seq.type), unique=True)
        statement = statement.where(commits.c.seq == func.any(wanted))
    rows = await session.execute(statement.order_by(commits.c.seq.desc()).limit(limit))
    return await _told(session, project_id, rows)


async def load_commits(
    session: AsyncSession, project_id: UUID, sequences: Iterable[int]
) -> dict[int, CommitRecord]:
    """Return the commits with the given sequences."""
    rows = await session.execute(
        select_commits().where(
            commits.c.project_id == project_id, commits.c.seq.in_(sorted(set(sequences)))
        )
    )
    return {item.seq: item for item in await _told(session, project_id, rows)}
