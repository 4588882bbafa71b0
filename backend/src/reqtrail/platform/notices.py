"""The notice "this branch has a new head", between the processes that hold caches.

A notice only makes caches current sooner. One that is lost costs a stale cache entry its short life, never a wrong
answer, because everything else is addressed by commit hash.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.platform.database.engine import Database, after_commit

HeadAnnouncer = Callable[[UUID, UUID, int, bytes], Awaitable[None]]

_KEY = "reqtrail_head_announcers"


def on_new_head(database: Database, announcer: HeadAnnouncer) -> Callable[[], None]:
    """Have *announcer* called with (project, branch, sequence, commit hash) after each commit through *database*.

    Returns:
        A function that ends it.
    """
    announcers: list[HeadAnnouncer] = database.info.setdefault(_KEY, [])
    announcers.append(announcer)

    def end() -> None:
        announcers.remove(announcer)

    return end


def announce_head(
    session: AsyncSession, project_id: UUID, branch_id: UUID, seq: int, commit_hash: bytes
) -> None:
    """Tell that a branch has a new head, once the transaction of *session* is durable."""

    async def announce() -> None:
        for announcer in list(session.info.get(_KEY, ())):
            await announcer(project_id, branch_id, seq, commit_hash)

    after_commit(session, announce)
