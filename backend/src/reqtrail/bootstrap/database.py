"""The database of an API process: the primary and, if there are any, the replicas that reads go to."""

from __future__ import annotations

from reqtrail.platform.database.access_marks import WAIT_SECONDS, AccessMarks
from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.database.replicas import ANSWER_SECONDS, Replica, Replicas
from reqtrail.platform.redis import make_redis
from reqtrail.platform.settings import Settings

_PROBES = 2
_PROBE = "probe"
MARGIN_SECONDS = 60.0
"""By how much marks of changed access outlive the time in which replicas may serve alone."""


def open_database(settings: Settings) -> Database:
    """Return the database that *settings* name. What watches the replicas is not started."""
    assert settings.database_url is not None
    database = Database(
        make_engine(
            settings.database_url,
            role=settings.database_role,
            pool_size=settings.database_pool_size,
        )
    )
    if settings.database_replica_urls:
        probe = make_engine(
            settings.database_url,
            role=None,
            pool_size=_PROBES,
            connect_timeout=ANSWER_SECONDS,
            pool=_PROBE,
        )
        replicas = [
            _replica(number, url, settings)
            for number, url in enumerate(settings.database_replica_urls, 1)
        ]
        database.marks = open_marks(settings)
        database.replicas = Replicas(
            probe,
            database.primary,
            replicas,
            longest_lag=settings.database_replica_lag_seconds,
            longest_alone=settings.database_replica_alone_seconds,
        )
    return database


def open_marks(settings: Settings) -> AccessMarks | None:
    """Return what tells readers of replicas of changed access; None where *settings* name no replicas.

    Whatever changes access needs it, also a process that reads from none.
    """
    if not settings.database_replica_urls:
        return None
    redis = None
    if settings.redis_url is not None:
        redis = make_redis(settings.redis_url, wait=WAIT_SECONDS, circuit="access")
    life = settings.database_replica_alone_seconds + MARGIN_SECONDS
    return AccessMarks(redis, life=life)


def _replica(number: int, url: str, settings: Settings) -> Replica:
    # A read that waits for a replica could have been answered by the primary.
    size, patience = settings.database_pool_size, ANSWER_SECONDS
    engine = make_engine(
        url,
        role=settings.database_role,
        pool_size=size,
        connect_timeout=patience,
        pool=f"replica-{number}",
        # Longer than the read may take here: else what was given up would go on at the replica.
        longest_statement=settings.database_replica_read_seconds + 1,
    )
    probe = make_engine(url, role=None, pool_size=1, connect_timeout=patience, pool=_PROBE)
    return Replica(number, engine, probe, settings.database_replica_read_seconds)
