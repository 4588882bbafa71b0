"""Tasks that run beside the requests of a process."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from reqtrail.platform.metrics import TASK_CRASHES

logger = structlog.get_logger()

RESTART_SECONDS: Final = 1.0
_AGAIN_SECONDS: Final = 0.5


def keep_running(work: Callable[[], Awaitable[None]], name: str) -> asyncio.Task[None]:
    """Return a task that does *work*, which never ends by itself; an error that nobody expected is logged.

    Work that crashed begins anew after a moment: a process whose requests are answered must not go on without it.
    """

    async def run() -> None:
        while True:
            try:
                await work()
            except Exception as error:  # the outermost place of a task
                TASK_CRASHES.labels(name).inc()
                logger.error("task_crashed", task=name, exc_info=error)
            await asyncio.sleep(RESTART_SECONDS)

    # What it logs is of no request, whichever began it.
    return asyncio.create_task(run(), name=name, context=contextvars.Context())


async def end_task(task: asyncio.Task[Any]) -> None:
    """Cancel *task* and return when it has ended, however it ends.

    A library may turn a cancellation that meets a time-out or a lost connection into an error of its own, which a loop
    that survives such errors takes for one of them. So a task that goes on is cancelled again.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_AGAIN_SECONDS)
    if not task.cancelled():
        task.exception()  # taken note of: what ends here has said what it had to say
