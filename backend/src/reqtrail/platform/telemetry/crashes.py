"""Errors that nobody expected, handed on to error tracking if it is on. What the log says of them stays in the log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

TAGS: Final = ("event", "request_id", "trace_id", "task", "queue", "route")
"""Fields of a line of the log that are handed on with its error. None is about anybody."""
MOST_A_MINUTE: Final = 60
_LEVELS: Final = frozenset({"error", "critical", "exception"})

Frame = tuple[str, int, int]
"""Of the browser application: a file of ours, a line and a column."""
Report = Callable[[BaseException, Mapping[str, str]], None]
ClientReport = Callable[[str, Sequence[Frame], Mapping[str, str]], None]


class _Switch:
    """Where the errors of this process go, and how many have gone there in this minute."""

    report: Report | None = None
    client_report: ClientReport | None = None
    minute = 0
    count = 0


def report_with(report: Report | None, client_report: ClientReport | None) -> None:
    """Hand errors on from now on; None hands none on."""
    _Switch.report, _Switch.client_report = report, client_report
    _Switch.minute = _Switch.count = 0


def hand_on_crash(logger: Any, method: str, fields: Any) -> Any:
    """Hand on the exception of a line that is logged as an error (a processor of structlog)."""
    if _Switch.report is not None and method in _LEVELS:
        given = fields.get("exc_info")
        error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
        if error is not None and _may_report():
            _Switch.report(error, {name: str(fields[name]) for name in TAGS if name in fields})
    return fields


def hand_on_client_error(kind: str, frames: Sequence[Frame], tags: Mapping[str, str]) -> None:
    """Hand on an error of the browser application."""
    if _Switch.client_report is not None and _may_report():
        _Switch.client_report(kind, frames, tags)


def _may_report() -> bool:
    """Count one; when everything fails, the first errors of a minute say it all."""
    minute = int(time.monotonic() // 60)
    if minute != _Switch.minute:
        _Switch.minute, _Switch.count = minute, 0
    _Switch.count += 1
    return _Switch.count <= MOST_A_MINUTE
