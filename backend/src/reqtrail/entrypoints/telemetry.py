"""Switches traces and error tracking on for a process, if the settings say where they go."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Literal
from urllib.parse import urlsplit

import structlog

from reqtrail.platform.settings import Settings
from reqtrail.platform.telemetry.addresses import read_headers
from reqtrail.platform.telemetry.crashes import report_with
from reqtrail.platform.telemetry.tracing import trace_with

logger = structlog.get_logger()


def start_telemetry(settings: Settings, service: Literal["api", "worker"]) -> Callable[[], None]:
    """Send traces and errors from now on; return what sends the rest of them and ends that, within a few seconds.

    The libraries that send are loaded only if there is somewhere to send to.
    """
    stack = ExitStack()
    if settings.otlp_endpoint is not None:
        stack.callback(_start_traces(settings, settings.otlp_endpoint, service))
    if settings.error_dsn is not None:
        stack.callback(_start_reports(settings, settings.error_dsn.get_secret_value(), service))
    return stack.close


def _start_traces(settings: Settings, endpoint: str, service: str) -> Callable[[], None]:
    from reqtrail.platform.telemetry.exporting import make_provider, stop_provider

    headers = settings.otlp_headers
    provider = make_provider(
        f"reqtrail-{service}",
        endpoint,
        settings.trace_ratio,
        read_headers(headers.get_secret_value()) if headers else {},
        settings.environment,
    )
    trace_with(provider)
    logger.info("traces_sent_from_now_on", endpoint=endpoint, ratio=settings.trace_ratio)

    def stop() -> None:
        trace_with(None)
        stop_provider(provider)

    return stop


def _start_reports(settings: Settings, dsn: str, service: str) -> Callable[[], None]:
    from reqtrail.platform.telemetry.reporting import make_reporter

    report, client_report, close = make_reporter(dsn, f"reqtrail-{service}", settings.environment)
    report_with(report, client_report)
    logger.info("errors_reported_from_now_on", host=urlsplit(dsn).hostname)

    def stop() -> None:
        report_with(None, None)
        close()

    return stop
