"""How much memory another process takes (Linux)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.05


def resident_megabytes(pid: int) -> float:
    """Return the resident memory of a process and of the processes that it started, in MB."""
    total = 0.0
    for one in (pid, *_children(pid)):
        try:
            status = Path(f"/proc/{one}/status").read_text()
        except FileNotFoundError:
            continue
        lines = [line for line in status.splitlines() if line.startswith("VmRSS:")]
        total += sum(int(line.split()[1]) for line in lines) / 1024
    return total


def _children(pid: int) -> list[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except FileNotFoundError:
        return []
    return [int(child) for child in listed.split()]


@dataclass
class Peak:
    """The most that was seen, in MB."""

    megabytes: float = 0.0


@asynccontextmanager
async def watched(pid: int) -> AsyncIterator[Peak]:
    """Watch the resident memory of a process while the block runs."""
    peak = Peak()

    async def watch() -> None:
        while True:
            peak.megabytes = max(peak.megabytes, resident_megabytes(pid))
            await asyncio.sleep(SAMPLE_SECONDS)

    task = asyncio.create_task(watch())
    try:
        yield peak
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
