"""Several processes of one module of the product, each started again when it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

STOP_SECONDS: Final = 20.0
MAX_RESTARTS: Final = 5
RESTART_WINDOW_SECONDS: Final = 60.0


class Restarts:
    """Counts restarts, to give up on what ends again and again.

    Args:
        most: How many a minute are borne.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._times: list[float] = []

    def is_one_too_many(self) -> bool:
        """Count a restart that is about to be made."""
        now = time.monotonic()
        self._times = [at for at in self._times if now - at < RESTART_WINDOW_SECONDS]
        self._times.append(now)
        return len(self._times) > self._most


class Replicas:
    """The processes ``python -m module``.

    Args:
        name: What messages call one of them.
        module: What each of them runs.
        count: How many there are to be.
    """

    def __init__(self, name: str, module: str, count: int) -> None:
        self.name = name
        self.module = module
        self.count = count
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self.restarts = Restarts(MAX_RESTARTS * count)

    @property
    def pids(self) -> list[int]:
        """The process ids of those that were started, also of one that has ended since."""
        return [process.pid for _, process in sorted(self._running.items())]

    def start(
        self, environment: Callable[[int], Mapping[str, str]], sockets: Sequence[int] = ()
    ) -> None:
        """Start those that are missing.

        Args:
            environment: Given the number of one, from 0 on, what it gets besides this process's own.
            sockets: File descriptors that they inherit.
        """
        for number in range(self.count):
            if number in self._running:
                continue
            # A group of its own: Ctrl-C reaches the supervisor alone, which then stops things in their order.
            started = subprocess.Popen(
                [sys.executable, "-m", self.module],
                env={**os.environ, **environment(number)},
                pass_fds=tuple(sockets),
                start_new_session=True,
            )
            self._running[number] = started

    def take_ended(self) -> list[int]:
        """Forget those that have ended; return their exit codes."""
        ended = [one for one, process in self._running.items() if process.poll() is not None]
        return [self._running.pop(number).returncode for number in ended]

    def ask_to_stop(self) -> None:
        """Have each of them finish what it is at and end."""
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Return when all have ended; one that does not end in time is killed."""
        self.ask_to_stop()
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._running.values():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()
