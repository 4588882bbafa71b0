"""The notice "this branch has a new head", between the processes that hold caches.

A notice only makes caches current sooner. One that is lost costs a stale cache entry its short life, never a wrong
answer, because everything else is addressed by commit hash.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

HeadAnnouncer = Callable[[UUID, UUID, int, bytes], Awaitable[None]]

_announcers: list[HeadAnnouncer] = []


def on_new_head(announcer: HeadAnnouncer) -> Callable[[], None]:
    """Have *announcer* called with (project, branch, sequence, commit hash) after each commit of this process.

    Returns:
        A function that ends it.
    """
    _announcers.append(announcer)

    def end() -> None:
        _announcers.remove(announcer)

    return end


async def announce_head(project_id: UUID, branch_id: UUID, seq: int, commit_hash: bytes) -> None:
    """Tell every announcer of this process that a branch has a new head."""
    for announcer in list(_announcers):
        await announcer(project_id, branch_id, seq, commit_hash)
