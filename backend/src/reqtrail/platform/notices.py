"""What a process does after each commit to a project: features above say so, the version engine announces."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.platform.database.engine import Database, after_commit
from reqtrail.platform.metrics import COMMITS

Announcer = Callable[[UUID], None]
"""Called with a project; it must neither wait nor raise."""

_KEY = "reqtrail_announcers"


def on_commit(database: Database, announcer: Announcer) -> Callable[[], None]:
    """Have *announcer* called with the project after each commit through *database*.

    Returns:
        A function that ends it.
    """
    announcers: list[Announcer] = database.info.setdefault(_KEY, [])
    announcers.append(announcer)

    def end() -> None:
        announcers.remove(announcer)

    return end


def announce_commit(session: AsyncSession, project_id: UUID) -> None:
    """Tell that a project has a new commit, once the transaction of *session* is durable."""

    async def announce() -> None:
        COMMITS.inc()
        for announcer in list(session.info.get(_KEY, ())):
            announcer(project_id)

    after_commit(session, announce)
