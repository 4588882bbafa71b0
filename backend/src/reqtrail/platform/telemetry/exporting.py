"""Sending spans by OTLP over HTTP, from a thread: a collector that is away loses spans, and delays nobody."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import SpanKind, Status
from opentelemetry.util.types import Attributes

from reqtrail import __version__
from reqtrail.kit.ids import new_id
from reqtrail.platform.metrics import SPANS_LOST, SPANS_SENT
from reqtrail.platform.telemetry.tracing import OUR_OWN

logger = structlog.get_logger()

QUEUE: Final = 4096
"""Spans that wait to be sent; when there are more, the oldest are lost."""
BATCH: Final = 512
EVERY_SECONDS: Final = 2.0
SEND_SECONDS: Final = 5.0
"""How long one batch may take, its repetitions included."""
STOP_SECONDS: Final = 3.0
COMPLAIN_SECONDS: Final = 60.0

SENT_ATTRIBUTES: Final = frozenset(
    {
        "db.collection.name",
        "db.operation.batch.size",
        "db.operation.name",
        "db.response.status_code",
        "db.system.name",
        "error.type",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "network.protocol.version",
        "url.scheme",
    }
)
"""Attributes of spans that may leave. None holds what somebody sent, an id, an address or a text of SQL."""


class Ratio(Sampler):
    """Decides by its own dice for each trace that comes from outside, so that no client can ask for more.

    A trace id is the client's choice too, so it decides nothing either. Below a parent of this process, or one that
    this instance wrote down with a job, the parent's decision holds.
    """

    def __init__(self, ratio: float, dice: Callable[[], float] = random.random) -> None:
        self._ratio = ratio
        self._dice = dice

    def should_sample(
        self,
        parent_context: contexts.Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        *others: Any,
        **named: Any,
    ) -> SamplingResult:
        """Return the decision; what the client says in ``tracestate`` ends here."""
        parent = trace.get_current_span(parent_context).get_span_context()
        is_ours = not parent.is_remote or contexts.get_value(OUR_OWN, parent_context)
        if parent.is_valid and is_ours:
            sampled = bool(parent.trace_flags.sampled)
        else:
            sampled = self._dice() < self._ratio
        decision = Decision.RECORD_AND_SAMPLE if sampled else Decision.DROP
        return SamplingResult(decision, attributes)

    def get_description(self) -> str:
        """Return what the sampler is called."""
        return f"Ratio({self._ratio})"


class _Narrow(SpanExporter):
    """Lets through what may leave, and counts."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._lock = threading.Lock()
        self._waiting = 0

    def expect(self) -> None:
        """Note that one more span waits, or takes the place of one that is lost."""
        with self._lock:
            if self._waiting < QUEUE:
                self._waiting += 1
                return
        SPANS_LOST.inc()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send *spans*."""
        with self._lock:
            self._waiting = max(0, self._waiting - len(spans))
        result = self._exporter.export([_narrowed(span) for span in spans])
        counter = SPANS_SENT if result is SpanExportResult.SUCCESS else SPANS_LOST
        counter.inc(len(spans))
        return result

    def shutdown(self) -> None:
        """Give up what is being sent."""
        self._exporter.shutdown()


class _Counting(BatchSpanProcessor):
    """The library's bounded queue, and a count of what it has to drop."""

    def __init__(self, exporter: _Narrow) -> None:
        super().__init__(
            exporter,
            max_queue_size=QUEUE,
            schedule_delay_millis=EVERY_SECONDS * 1000,
            max_export_batch_size=BATCH,
        )
        self._narrow = exporter

    def on_end(self, span: ReadableSpan) -> None:
        """Queue *span*."""
        if span.context is not None and span.context.trace_flags.sampled:
            self._narrow.expect()
        super().on_end(span)


def _narrowed(span: ReadableSpan) -> ReadableSpan:
    """Return a copy of *span* without events, which hold messages of errors, and with few attributes."""
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={
            name: value
            for name, value in (span.attributes or {}).items()
            if name in SENT_ATTRIBUTES
        },
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


class _Complaints(logging.Handler):
    """Puts what the library complains of into the log, once a minute."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._quiet_until = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Log *record*, or leave it out."""
        if time.monotonic() >= self._quiet_until:
            self._quiet_until = time.monotonic() + COMPLAIN_SECONDS
            logger.warning("spans_not_sent", complaint=record.getMessage()[:300])


def make_provider(
    service: str, endpoint: str, ratio: float, headers: dict[str, str], environment: str
) -> TracerProvider:
    """Return what sends spans to the collector at *endpoint*; the ``OTEL_*`` variables of the SDK count where said.

    Args:
        service: Which kind of process this is, such as ``reqtrail-api``.
        endpoint: Without the path ``/v1/traces``.
        ratio: Which part of all requests is traced, 0 to 1.
        headers: Sent with the spans.
        environment: What this installation is, such as ``production``; may be empty.
    """
    library = logging.getLogger("opentelemetry")
    library.handlers[:] = [_Complaints()]
    library.propagate = False
    described = {
        "service.name": service,
        "service.version": __version__,
        "service.instance.id": str(new_id()),
    }
    if environment:
        described["deployment.environment.name"] = environment
    provider = TracerProvider(
        sampler=Ratio(ratio), resource=Resource.create(described), shutdown_on_exit=False
    )
    exporter = OTLPSpanExporter(
        f"{endpoint.rstrip('/')}/v1/traces", headers=headers, timeout=SEND_SECONDS
    )
    provider.add_span_processor(_Counting(_Narrow(exporter)))
    return provider


def stop_provider(provider: TracerProvider) -> None:
    """Send what waits, for a moment; a collector that stands still does not keep the process from ending."""
    ending = threading.Thread(target=provider.shutdown, name="spans", daemon=True)
    ending.start()
    ending.join(STOP_SECONDS)
