"""Tasks that run beside the requests of a process."""

from __future__ import annotations

import asyncio
from typing import Any, Final

_AGAIN_SECONDS: Final = 0.5


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
