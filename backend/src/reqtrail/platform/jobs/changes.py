"""Who is told that a job changed: its state, or how far it is.

Bells say no more than where to look: ``progress`` names the project of the job, ``own-progress`` whoever asked for it.
They are not the bell that wakes workers, which have nothing to do about progress.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.platform.bells import Bells
from reqtrail.platform.database.engine import Database, after_commit
from reqtrail.platform.jobs.types import Job

_LISTENERS: Final = "reqtrail_job_listeners"

Listener = Callable[[Job], None]
"""Called with a job that changed, as it was read last; it must neither wait nor raise."""


def on_changed(database: Database, listener: Listener) -> Callable[[], None]:
    """Have *listener* called once the change of a job through *database* can be seen by others.

    Returns:
        A function that ends it.
    """
    listeners: list[Listener] = database.info.setdefault(_LISTENERS, [])
    listeners.append(listener)

    def end() -> None:
        listeners.remove(listener)

    return end


def note_changed(session: AsyncSession, changed: Iterable[Job]) -> None:
    """Tell of jobs that changed, once the transaction of *session* is durable."""
    noted = list(changed)
    if not noted or not session.info.get(_LISTENERS):
        return

    async def tell() -> None:
        for listener in list(session.info[_LISTENERS]):
            for job in noted:
                listener(job)

    after_commit(session, tell)


def ring_changes(database: Database, bells: Bells) -> Callable[[], None]:
    """Ring for each job that changes through *database*, for those who follow it anywhere.

    Returns:
        A function that ends it.
    """

    def ring(job: Job) -> None:
        bells.ring("progress", job.project_id)
        if job.author_id is not None:
            bells.ring("own-progress", job.author_id)

    return on_changed(database, ring)
