"""The database of an API process: the primary and, if there are any, the replicas that reads go to."""

from __future__ import annotations

from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.database.replicas import ANSWER_SECONDS, Replica, Replicas
from reqtrail.platform.settings import Settings

_PROBES = 2


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
            settings.database_url, role=None, pool_size=_PROBES, connect_timeout=ANSWER_SECONDS
        )
        replicas = [
            _replica(number, url, settings)
            for number, url in enumerate(settings.database_replica_urls, 1)
        ]
        database.replicas = Replicas(
            probe,
            database.primary,
            replicas,
            longest_lag=settings.database_replica_lag_seconds,
            longest_alone=settings.database_replica_alone_seconds,
        )
    return database


def _replica(number: int, url: str, settings: Settings) -> Replica:
    # A read that waits for a replica could have been answered by the primary.
    size, patience = settings.database_pool_size, ANSWER_SECONDS
    engine = make_engine(url, role=settings.database_role, pool_size=size, connect_timeout=patience)
    probe = make_engine(url, role=None, pool_size=1, connect_timeout=patience)
    return Replica(number, engine, probe, settings.database_replica_read_seconds)
