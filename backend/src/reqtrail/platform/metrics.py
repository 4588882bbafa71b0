"""What a process counts of its own work, as Prometheus reads it.

Every process serves its metrics at an address of its own, from a thread, so that they can be read while its event loop
is busy. Labels name operations, queues and kinds: never people, projects or addresses.
"""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Awaitable, Iterator
from time import perf_counter
from typing import Any, Final, Protocol
from weakref import WeakSet

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    start_http_server,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from reqtrail.platform.cache import named_caches

_SECONDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

registry: Final = CollectorRegistry()
ProcessCollector(registry=registry)

REQUESTS: Final = Counter(
    "reqtrail_http_requests",
    "Requests that were answered, by operation and status.",
    ("operation", "status"),
    registry=registry,
)
REQUEST_SECONDS: Final = Histogram(
    "reqtrail_http_request_seconds",
    "How long requests took, from their head to the end of the answer.",
    ("operation",),
    buckets=_SECONDS,
    registry=registry,
)
REQUESTS_OPEN: Final = Gauge(
    "reqtrail_http_requests_open", "Requests that are being answered.", registry=registry
)
STATEMENT_SECONDS: Final = Histogram(
    "reqtrail_database_statement_seconds",
    "How long SQL statements took, from sending to the first row.",
    buckets=_SECONDS,
    registry=registry,
)
DATABASE_ERRORS: Final = Counter(
    "reqtrail_database_errors",
    "Statements that failed, by the class of their SQLSTATE; none where the connection was lost.",
    ("sqlstate_class",),
    registry=registry,
)
DATABASE_WAITING: Final = Gauge(
    "reqtrail_database_waiting",
    "Those who wait for a connection, as all of a pool are in use.",
    ("pool",),
    registry=registry,
)
DATABASE_WAIT_SECONDS: Final = Histogram(
    "reqtrail_database_wait_seconds",
    "How long it took to get a connection: to wait for one or to open it.",
    ("pool",),
    buckets=_SECONDS,
    registry=registry,
)
COMMITS: Final = Counter(
    "reqtrail_commits", "Commits to projects by this process.", registry=registry
)
SOCKETS: Final = Gauge("reqtrail_live_sockets", "Sockets that are open.", registry=registry)
TOLD: Final = Counter(
    "reqtrail_live_messages", "Messages sent over sockets, by type.", ("type",), registry=registry
)
REDIS_FAILURES: Final = Counter(
    "reqtrail_redis_failures",
    "What was done without Redis, or later, because it did not answer.",
    ("what",),
    registry=registry,
)
CIRCUIT_OPEN: Final = Gauge(
    "reqtrail_circuit_open",
    "Whether a dependency that failed again and again is left alone (1) or asked (0).",
    ("dependency",),
    registry=registry,
)
CIRCUIT_REFUSED: Final = Counter(
    "reqtrail_circuit_refused",
    "Calls that were not made since their dependency is left alone.",
    ("dependency",),
    registry=registry,
)
REPLICA_IN_ROTATION: Final = Gauge(
    "reqtrail_replica_in_rotation",
    "Whether reads go to a replica (1) or it is dead, behind or promoted (0), by its place in the setting.",
    ("replica",),
    registry=registry,
)
REPLICA_LAG: Final = Gauge(
    "reqtrail_replica_lag_seconds",
    "For how long what a replica shows may have been out of date; it counts on while the primary is away.",
    ("replica",),
    registry=registry,
)
READS: Final = Counter(
    "reqtrail_database_reads",
    "Reads of requests, by where they went: the primary, a replica, or a replica alone as the primary was away.",
    ("target",),
    registry=registry,
)
READ_FALLBACKS: Final = Counter(
    "reqtrail_database_read_fallbacks",
    "Reads that were made elsewhere or again, by why: no_replica, access_changed, replica_failed, primary_failed,"
    " primary_away.",
    ("why",),
    registry=registry,
)
JOBS: Final = Counter(
    "reqtrail_jobs",
    "Rounds of a worker: what it did, by queue, and what it could not do.",
    ("queue", "outcome"),
    registry=registry,
)
JOB_SECONDS: Final = Histogram(
    "reqtrail_job_seconds",
    "How long jobs took a worker.",
    ("queue",),
    buckets=(0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0),
    registry=registry,
)
JOB_ATTEMPTS: Final = Counter(
    "reqtrail_job_attempts",
    "How often a worker took up a job, by kind: more often than jobs end where some are repeated.",
    ("kind",),
    registry=registry,
)
JOBS_ENDED: Final = Counter(
    "reqtrail_jobs_ended",
    "What came of the attempts of jobs, by kind: done, failed, dead, cancelled, repeated or lost.",
    ("kind", "outcome"),
    registry=registry,
)
QUEUE_LENGTH: Final = Gauge(
    "reqtrail_queue_length", "Jobs that wait, by queue.", ("queue",), registry=registry
)
WEBHOOKS_BEHIND: Final = Gauge(
    "reqtrail_webhooks_behind",
    "Webhooks whose receivers lack commits, whatever the reason.",
    registry=registry,
)
WEBHOOK_LAG: Final = Gauge(
    "reqtrail_webhook_lag_seconds",
    "How long ago the oldest of the commits was made that a receiver of a webhook lacks.",
    registry=registry,
)
QUEUE_AGE: Final = Gauge(
    "reqtrail_queue_age_seconds",
    "How long the job that has waited longest has waited.",
    ("queue",),
    registry=registry,
)
TASK_CRASHES: Final = Counter(
    "reqtrail_task_crashes",
    "Background tasks that ended by an error that nobody expected, and began anew.",
    ("task",),
    registry=registry,
)
CLIENT_ERRORS: Final = Counter(
    "reqtrail_client_errors",
    "Errors that browsers told of, by how they came to the surface.",
    ("kind",),
    registry=registry,
)
SPANS_SENT: Final = Counter(
    "reqtrail_spans_sent", "Spans of traces that the collector took.", registry=registry
)
SPANS_LOST: Final = Counter(
    "reqtrail_spans_lost",
    "Spans of traces that were dropped, since the collector was away or too slow.",
    registry=registry,
)


class _Caches(Collector):
    """How often each cache of this process had what was asked of it."""

    def collect(self) -> Iterator[Metric]:
        """Yield the counts."""
        found = CounterMetricFamily(
            "reqtrail_cache_lookups",
            "What caches of this process were asked, by cache and outcome.",
            labels=("cache", "outcome"),
        )
        asked: Counts[tuple[str, str]] = Counts()
        for cache in named_caches():
            asked[cache.name, "hit"] += cache.hits
            asked[cache.name, "miss"] += cache.misses
        for labels, count in asked.items():
            found.add_metric(labels, count)
        yield found


class Pool(Protocol):
    """A pool of connections, as far as it is told of."""

    label: str

    @property
    def most(self) -> int:
        """How many connections it may have."""

    def checkedout(self) -> int:
        """Return how many are in use."""

    def checkedin(self) -> int:
        """Return how many are idle."""


class _Pools(Collector):
    """The pools of connections of this process; those of one name are told together."""

    def __init__(self) -> None:
        self._pools: WeakSet[Pool] = WeakSet()

    def add(self, pool: Pool) -> None:
        """Tell of *pool* too, as long as it is there."""
        self._pools.add(pool)

    def collect(self) -> Iterator[Metric]:
        """Yield the counts."""
        found = GaugeMetricFamily(
            "reqtrail_database_connections",
            "Connections to PostgreSQL, by pool and state.",
            labels=("pool", "state"),
        )
        sizes = GaugeMetricFamily(
            "reqtrail_database_pool_size",
            "How many connections a pool may have.",
            labels=("pool",),
        )
        counted: Counts[tuple[str, str]] = Counts()
        most: Counts[tuple[str]] = Counts()
        for pool in list(self._pools):
            counted[pool.label, "used"] += pool.checkedout()
            counted[pool.label, "idle"] += pool.checkedin()
            most[(pool.label,)] += pool.most
        for labels, count in counted.items():
            found.add_metric(labels, count)
        for name, count in most.items():
            sizes.add_metric(name, count)
        yield from (found, sizes)


_pools: Final = _Pools()
registry.register(_pools)
registry.register(_Caches())


def measure_pool(pool: Pool) -> None:
    """Tell of the connections of *pool* as long as it is there."""
    _pools.add(pool)


def serve_metrics(host: str, port: int) -> None:
    """Serve the metrics of this process until it ends.

    Raises:
        OSError: If the address cannot be listened on.
    """
    start_http_server(port, addr=host, registry=registry)


def measure_engine(engine: AsyncEngine) -> None:
    """Count the statements of *engine*."""
    target = engine.sync_engine
    event.listen(target, "before_cursor_execute", _begin)
    event.listen(target, "after_cursor_execute", _end)
    event.listen(target, "handle_error", _fail)


def _begin(
    connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
) -> None:
    if context is not None:
        context._reqtrail_began = perf_counter()


def _end(
    connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
) -> None:
    began = getattr(context, "_reqtrail_began", None)
    if began is not None:
        STATEMENT_SECONDS.observe(perf_counter() - began)


def _fail(context: Any) -> None:
    state = getattr(context.original_exception, "sqlstate", None)
    DATABASE_ERRORS.labels(str(state)[:2] if state else "none").inc()


async def counted(queue: str, work: Awaitable[bool]) -> bool:
    """Return what *work* returns, whether there was a job of *queue*; if so, count it and how long it took."""
    began = perf_counter()
    try:
        was_one = await work
    except (
        Exception
    ):  # counted and passed on whatever it is; a worker that is asked to stop has not failed
        JOBS.labels(queue, "failed").inc()
        raise
    if was_one:
        JOBS.labels(queue, "done").inc()
        JOB_SECONDS.labels(queue).observe(perf_counter() - began)
    return was_one


def note_job(kind: str, outcome: str, seconds: float | None = None) -> None:
    """Count what came of an attempt of a job, and how long it took."""
    JOBS_ENDED.labels(kind, outcome).inc()
    if seconds is not None:
        JOB_SECONDS.labels(kind).observe(seconds)


def note_webhooks(behind: int, lag_seconds: float) -> None:
    """Say how many webhooks have receivers that lack commits, and how far the furthest is behind."""
    WEBHOOKS_BEHIND.set(behind)
    WEBHOOK_LAG.set(lag_seconds)


def note_queue(queue: str, length: int, oldest_seconds: float) -> None:
    """Say how many jobs of *queue* wait, and for how long the oldest one has."""
    QUEUE_LENGTH.labels(queue).set(length)
    QUEUE_AGE.labels(queue).set(oldest_seconds)
