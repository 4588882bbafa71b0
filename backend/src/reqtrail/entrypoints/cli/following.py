"""Showing how long work of the server goes."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from reqtrail.entrypoints.cli.client import Client

POLL_SECONDS: Final = 0.2


def follow(client: Client, path: str, job: dict[str, Any], ends: Collection[str]) -> dict[str, Any]:
    """Show how a job or an import goes, at a terminal, until it is in one of the states *ends*; return it."""
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with progress:
        task = progress.add_task("waiting", total=None)
        while job["state"] not in ends:
            time.sleep(POLL_SECONDS)
            job = client.get(path)
            progress.update(
                task,
                description=job.get("phase") or job["state"],
                completed=job.get("done") or 0,
                total=job.get("total"),
            )
    return job
