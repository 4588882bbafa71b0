"""Sending errors by the protocol of Sentry, from a thread, with as little as tells one error from another.

The client is made apart from the SDK's global one and with none of its integrations, so that it sees no request, no
variable and no line of the log. ``narrowed`` then makes each event anew from a list of what may leave.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from sentry_sdk import Client
from sentry_sdk.types import Event
from sentry_sdk.utils import event_from_exception

from reqtrail import __version__
from reqtrail.platform.telemetry.crashes import TAGS, ClientReport, Frame, Report

STOP_SECONDS: Final = 2.0
QUEUE: Final = 50
MOST_FRAMES: Final = 60

_KEPT: Final = ("event_id", "timestamp", "level", "platform", "release", "environment")
_KEPT_OF_FRAMES: Final = ("filename", "function", "module", "lineno", "colno", "in_app")
_KEPT_TAGS: Final = frozenset({*TAGS, "service"})


def narrowed(event: Event, hint: Mapping[str, Any]) -> Event:
    """Return what may leave of *event*: types and places in code, never a message, a value or a person."""
    given: dict[str, Any] = dict(event)
    kept: dict[str, Any] = {name: given[name] for name in _KEPT if given.get(name)}
    tags = dict(given.get("tags") or {})
    kept["tags"] = {name: str(tags[name])[:200] for name in tags if name in _KEPT_TAGS}
    kept["exception"] = {
        "values": [
            {
                "type": str(value.get("type"))[:100],
                "module": str(value.get("module") or ""),
                # Trackers show a text here. The message of the error is in the log, by the id of the request.
                "value": kept["tags"].get("event", ""),
                "stacktrace": {"frames": _frames(value)},
            }
            for value in (given.get("exception") or {}).get("values", [])
        ]
    }
    return cast("Event", kept)


def _frames(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    frames = (value.get("stacktrace") or {}).get("frames") or []
    return [
        {name: frame[name] for name in _KEPT_OF_FRAMES if frame.get(name) is not None}
        for frame in frames[-MOST_FRAMES:]
    ]


def make_reporter(
    dsn: str, service: str, environment: str
) -> tuple[Report, ClientReport, Callable[[], None]]:
    """Return what hands on errors, of this process and of browsers, and what ends that within seconds.

    Raises:
        ValueError: If *dsn* is none.
    """
    client = Client(
        dsn=dsn,
        release=f"reqtrail@{__version__}",
        environment=environment or "production",
        server_name="",
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        send_client_reports=False,
        auto_session_tracking=False,
        transport_queue_size=QUEUE,
        before_send=narrowed,
        spotlight=False,
    )
    logging.getLogger("sentry_sdk.errors").propagate = False

    def report(error: BaseException, tags: Mapping[str, str]) -> None:
        event, hint = event_from_exception(error, client_options=client.options)
        event["tags"] = {**tags, "service": service}
        client.capture_event(event, hint)

    def report_client(kind: str, frames: Sequence[Frame], tags: Mapping[str, str]) -> None:
        places = [
            {"filename": file, "lineno": line, "colno": column, "in_app": True}
            for file, line, column in reversed(frames)
        ]
        event: Any = {
            "level": "error",
            "platform": "javascript",
            "exception": {"values": [{"type": kind, "stacktrace": {"frames": places}}]},
            "tags": {**tags, "event": "client_error", "service": "reqtrail-browser"},
        }
        client.capture_event(event)

    return report, report_client, lambda: client.close(timeout=STOP_SECONDS)
