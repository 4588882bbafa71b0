"""Spans of requests, SQL statements, commands to Redis and jobs, with one trace id from the browser to the worker.

Off, which is the default, nothing here costs more than looking at a variable. Names and attributes come from closed
sets: templates of routes, tables, commands, queues. ``exporting`` lets no other attribute leave.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from typing import Any, Final

from fastapi.telemetry import TelemetryConfig
from opentelemetry import context as contexts
from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from reqtrail.platform.database.metadata import metadata

UNTRACED: Final = "/api/v1/health/"
OUR_OWN: Final = contexts.create_key("reqtrail-own-parent")
"""In the context of a parent that this instance wrote down itself, so that its sampling is to be followed."""

_HEADER: Final = TraceContextTextMapPropagator()
_NOTHING: Final = nullcontext()
_KEYWORD: Final = re.compile(r"[\s(]*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*([A-Za-z]+)", re.DOTALL)
_TABLE: Final = re.compile(
    r'\b(?:FROM|INTO|UPDATE|JOIN)\s+(?:ONLY\s+)?"?([a-z_]+)"?', re.IGNORECASE
)
_KEYWORDS: Final = frozenset(
    (
        "ALTER ANALYZE CALL COPY CREATE DELETE DROP EXPLAIN INSERT LOCK MERGE NOTIFY RELEASE SAVEPOINT SELECT SET SHOW"
        " TRUNCATE UPDATE WITH"
    ).split()
)


class _Switch:
    """Where the spans of this process go."""

    provider: TracerProvider | None = None
    tracer: Tracer | None = None


def trace_with(provider: TracerProvider | None) -> None:
    """Send spans to *provider* from now on, those of engines and applications that are made later; None sends none."""
    _Switch.provider = provider
    _Switch.tracer = None if provider is None else provider.get_tracer("reqtrail")
    if provider is not None:
        # Of what a client sends, the parent alone is read: baggage would go along with everything.
        propagate.set_global_textmap(_HEADER)


def is_tracing() -> bool:
    """Tell whether spans are made at all."""
    return _Switch.tracer is not None


def request_tracing() -> TelemetryConfig:
    """Return how FastAPI traces requests: as spans named after the route's template, and nothing else of its own.

    Its logs and metrics stay off, also where the environment asks for them: they hold what people sent.
    """
    return TelemetryConfig(
        tracing=is_tracing(),
        tracer_provider=_Switch.provider,
        metrics=False,
        logs=False,
        operation_spans=False,
        auto_configure=False,
        exclude=_is_untraced,
    )


def _is_untraced(scope: Any) -> bool:
    """Leave out sockets, which live for hours, the files of the site, and those who ask for the health."""
    path: str = scope["path"]
    return scope["type"] != "http" or not path.startswith("/api/") or path.startswith(UNTRACED)


def current_trace_parent() -> str | None:
    """Return the current span as W3C ``traceparent``, to be kept with work that is done later; None without one."""
    if _Switch.tracer is None:
        return None
    carrier: dict[str, str] = {}
    _HEADER.inject(carrier)
    return carrier.get("traceparent")


def continued_from(trace_parent: str | None, name: str) -> AbstractContextManager[None]:
    """Make a span called *name* of a job, below the request that asked for it.

    Args:
        trace_parent: What :func:`current_trace_parent` returned then; without it, or if it is broken, the span is the
            first of its trace.
        name: One of few, such as ``import``: never with an id in it.
    """
    return _NOTHING if _Switch.tracer is None else _job_span(_Switch.tracer, trace_parent, name)


@contextmanager
def _job_span(tracer: Tracer, trace_parent: str | None, name: str) -> Iterator[None]:
    parent = contexts.Context()
    if trace_parent is not None:
        parent = _HEADER.extract(
            {"traceparent": trace_parent}, contexts.set_value(OUR_OWN, True, parent)
        )
    with tracer.start_as_current_span(
        name,
        context=parent,
        kind=SpanKind.CONSUMER,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except BaseException as error:
            _fail(span, error)
            raise


def called(system: str, operation: str) -> AbstractContextManager[None]:
    """Make a span of one call of another system, within a span that is there already.

    Args:
        operation: One of few, such as the name of a command.
    """
    tracer = _Switch.tracer
    if tracer is None or not trace.get_current_span().is_recording():
        return _NOTHING
    return _call_span(tracer, system, operation)


@contextmanager
def _call_span(tracer: Tracer, system: str, operation: str) -> Iterator[None]:
    attributes = {"db.system.name": system, "db.operation.name": operation}
    span = tracer.start_span(f"{system} {operation}", kind=SpanKind.CLIENT, attributes=attributes)
    try:
        yield
    except BaseException as error:
        _fail(span, error)
        raise
    finally:
        span.end()


def trace_engine(engine: AsyncEngine) -> None:
    """Make a span of each statement of *engine* that runs within a span, if spans are made at all."""
    if is_tracing():
        event.listen(engine.sync_engine, "before_cursor_execute", _begin)
        event.listen(engine.sync_engine, "after_cursor_execute", _end)
        event.listen(engine.sync_engine, "handle_error", _end_failed)


def _begin(
    connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
) -> None:
    tracer = _Switch.tracer
    if context is None or tracer is None or not trace.get_current_span().is_recording():
        return
    operation, table = _summary(statement)
    attributes = {"db.system.name": "postgresql", "db.operation.name": operation}
    if table:
        attributes["db.collection.name"] = table
    context._reqtrail_span = tracer.start_span(
        f"{operation} {table}".strip(), kind=SpanKind.CLIENT, attributes=attributes
    )


def _end(
    connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
) -> None:
    span: Span | None = getattr(context, "_reqtrail_span", None)
    if span is not None:
        span.end()


def _end_failed(context: Any) -> None:
    span: Span | None = getattr(context.execution_context, "_reqtrail_span", None)
    if span is not None:
        # The message of the error would hold values of rows.
        state = getattr(context.original_exception, "sqlstate", None)
        if state:
            span.set_attribute("db.response.status_code", str(state))
        _fail(span, context.original_exception)
        span.end()


@lru_cache(maxsize=2048)
def _summary(statement: str) -> tuple[str, str]:
    """Return the keyword and the first table of a statement, each only if it is a known one: the text has literals."""
    found = _KEYWORD.match(statement)
    keyword = found[1].upper() if found else ""
    found_tables = (_known(name.lower()) for name in _TABLE.findall(statement))
    return keyword if keyword in _KEYWORDS else "SQL", next(filter(None, found_tables), "")


def _known(name: str) -> str:
    """Return the table that *name* is, or is a partition of; "" for any other name."""
    whole = name if name in metadata.tables else name.rpartition("_")[0]
    return whole if whole in metadata.tables else ""


def _fail(span: Span, error: BaseException) -> None:
    span.set_attribute("error.type", type(error).__name__)
    span.set_status(StatusCode.ERROR)


def add_trace_id(logger: Any, method: str, fields: Any) -> Any:
    """Put the trace id into a line of the log (a processor of structlog)."""
    if _Switch.tracer is not None:
        current = trace.get_current_span().get_span_context()
        if current.is_valid:
            fields["trace_id"] = trace.format_trace_id(current.trace_id)
    return fields
