"""The kinds of jobs that features registered; bootstrap holds the map of them."""

from __future__ import annotations

import re
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.platform.jobs.types import Job, JobKind

_NAME: Final = re.compile(r"[a-z]+\.[a-z]+(-[a-z]+)*")
_kinds: Final[dict[str, JobKind]] = {}


def register_job_kind(kind: JobKind) -> None:
    """Make a kind known; registering the same again changes nothing.

    Raises:
        ValueError: If the name is not ``feature.verb``.
    """
    if not _NAME.fullmatch(kind.name):
        raise ValueError(f"{kind.name!r} is not feature.verb")
    _kinds[kind.name] = kind


def kind_of(name: str) -> JobKind:
    """Return a kind by its name.

    Raises:
        KeyError: If nobody registered it.
    """
    return _kinds[name]


def known_kinds() -> tuple[str, ...]:
    """Return the names of all kinds: a worker takes up no job of a newer version's kind."""
    return tuple(sorted(_kinds))


async def tell_ended(session: AsyncSession, job: Job) -> None:
    """Have the feature of a job that ended without success follow, in the transaction of *session*."""
    kind = _kinds.get(job.kind)
    if kind is not None and kind.ended is not None:
        await kind.ended(session, job)
