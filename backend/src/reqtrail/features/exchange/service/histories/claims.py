"""What an imported history says that the project takes over as it is: who wrote something, and names for versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.errors import HistoryInvalid
from reqtrail.features.exchange.types import Job
from reqtrail.features.identity.public import find_user, pseudonym
from reqtrail.features.versioning.public import (
    create_baseline,
    list_baselines,
    request_seal,
    snapshot_of,
)
from reqtrail.platform.database.engine import Database


class _Rehearsed(Exception):
    """Undoes a rehearsal."""


async def author_of(session: AsyncSession, job: Job, name: str | None) -> UUID:
    """Return the account for an author that a history names.

    That is whoever imports it where the name is their e-mail address or none is given. Others get an account that
    stands for them: a history can claim anything, and what an account has done, it has done signed in.
    """
    if name is None:
        return job.author_id
    own = await find_user(session, job.author_id)
    if own is not None and own.email == name.strip().lower():
        return job.author_id
    return await pseudonym(session, job.project_id, name)


def split_baselines(asked: Iterable[str]) -> dict[str, str]:
    """Return the points of baselines by name; an empty point is the end of the history.

    Raises:
        HistoryInvalid: If a name is given twice.
    """
    points: dict[str, str] = {}
    for text in asked:
        name, _, point = text.partition("@")
        name = name.strip()
        if name in points:
            raise HistoryInvalid(f"The baseline “{name}” is asked for twice.")
        points[name] = point.strip()
    return points


async def rehearse_baselines(
    database: Database, job: Job, points: Mapping[str, int | None]
) -> None:
    """Find out before anything is written whether the baselines can have their names.

    Args:
        points: The commit of each by name; None if it is not written yet.

    Raises:
        HistoryInvalid: If a baseline of that name names another version.
        RefNameInvalid, RefNameTaken: If a baseline cannot have that name.
    """
    if not points:
        return
    try:
        async with database.session() as session:
            await _make(session, job, points)
            raise _Rehearsed
    except _Rehearsed:
        return


async def make_baselines(session: AsyncSession, job: Job, points: Mapping[str, int]) -> None:
    """Give commits their names, and have the new baselines sealed; what is named so already stays.

    Raises:
        HistoryInvalid, RefNameInvalid, RefNameTaken: As :func:`rehearse_baselines`.
    """
    await _make(session, job, points)
    for seq in set(points.values()):
        snapshot = await snapshot_of(session, job.project_id, seq)
        await request_seal(session, job.project_id, snapshot)


async def _make(session: AsyncSession, job: Job, points: Mapping[str, int | None]) -> None:
    if not points:
        return
    known = {item.row.name: item.row.seq for item in await list_baselines(session, job.project_id)}
    for name, seq in points.items():
        if name in known and known[name] != seq:
            raise HistoryInvalid(
                f"There is a baseline “{name}” already, of version {known[name]}. Give another name."
            )
        if name not in known:
            ref = None if seq is None else str(seq)
            await create_baseline(session, job.project_id, job.author_id, name, ref)
