"""Structured logs: a constant event name plus fields; ids, never objects."""

from __future__ import annotations

import logging
from typing import Literal

import structlog

from reqtrail.platform.telemetry.crashes import hand_on_crash
from reqtrail.platform.telemetry.tracing import add_trace_id


def configure_logging(form: Literal["console", "json"], level: str) -> None:
    """Set up structlog for this process."""
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=24)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            add_trace_id,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            hand_on_crash,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=False,
    )
