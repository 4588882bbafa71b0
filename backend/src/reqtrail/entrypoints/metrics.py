"""The address at which a process serves its metrics."""

from __future__ import annotations

import sys

import structlog

from reqtrail.platform.metrics import serve_metrics
from reqtrail.platform.settings import Settings

logger = structlog.get_logger()


def start_metrics(settings: Settings) -> None:
    """Serve the metrics of this process, if the settings say where; end it if they cannot be."""
    if settings.metrics_port is None:
        return
    try:
        serve_metrics(settings.metrics_host, settings.metrics_port)
    except OSError as error:
        sys.exit(
            f"The metrics cannot be served at {settings.metrics_host}:{settings.metrics_port}: {error.strerror}."
            " Set REQTRAIL_METRICS_PORT to another port."
        )
    logger.info("metrics_served", host=settings.metrics_host, port=settings.metrics_port)
