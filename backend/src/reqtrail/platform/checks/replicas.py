"""Replicas: whether each can be read, follows the primary, and is no further behind than reads allow."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from sqlalchemy import Row, TextClause

from reqtrail.platform.checks.database import CANNOT_CONNECT, no_connection
from reqtrail.platform.checks.model import Check, Finding, Installation, fine, warning
from reqtrail.platform.database.engine import make_engine
from reqtrail.platform.database.positions import end_of_record
from reqtrail.platform.database.replicas import OF_PRIMARY, OF_REPLICA, timeline_of

LOOK_SECONDS: Final = 0.05
ANSWER_SECONDS: Final = 3.0


async def _replicas(installation: Installation) -> list[Finding]:
    settings = installation.settings
    urls = settings.database_replica_urls
    if not urls:
        return [fine("No replicas are set; the primary is read alone.")]
    assert installation.database_url is not None
    primary = await _ask(installation.database_url, OF_PRIMARY)
    limit = settings.database_replica_lag_seconds
    found = await asyncio.gather(
        *(_look_at(number, url, primary, limit) for number, url in enumerate(urls, 1))
    )
    if installation.redis_url is None:
        found.append(
            warning(
                "replicas_without_redis",
                "Replicas are set but no Redis, so none is read: nobody would tell it of access that was taken away.",
                "Set REQTRAIL_REDIS_URL to the same Redis for all processes.",
            )
        )
    return found


async def _ask(url: str, question: TextClause) -> Row[Any]:
    engine = make_engine(url, role=None, pool_size=1, pool="probe")
    try:
        async with engine.connect() as connection:
            return (await connection.execute(question)).one()
    finally:
        await engine.dispose()


async def _look_at(number: int, url: str, primary: Row[Any], limit: float) -> Finding:
    began = time.monotonic()
    try:
        while True:
            async with asyncio.timeout(ANSWER_SECONDS):
                replica = await _ask(url, OF_REPLICA)
            lag = time.monotonic() - began
            found = judge_replica(number, primary, replica, limit, lag)
            if found.code != "replica_behind" or lag > limit:
                return found
            await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        return warning(
            "replica_silent",
            f"Replica {number} is not read: it did not answer within {ANSWER_SECONDS:g} s.",
            "See whether its machine or its processes stand still; restart PostgreSQL there.",
            replica=number,
        )
    except CANNOT_CONNECT as error:
        told = no_connection(url, None, error)
        return warning(
            told.code.replace("database_", "replica_"),
            f"Replica {number} is not read: {told.message}",
            told.advice,
            replica=number,
            **told.details,
        )


def judge_replica(
    number: int, primary: Row[Any], replica: Row[Any], limit: float, seconds: float
) -> Finding:
    """Return what is to say of a replica that answers.

    Args:
        number: Its place in the setting.
        primary, replica: Their answers to :data:`OF_PRIMARY` and :data:`OF_REPLICA`.
        limit: How many seconds it may be behind.
        seconds: How long after the primary it was asked.
    """
    _, system, segment, written, page = tuple(primary)
    inserted = end_of_record(int(written), page)
    in_recovery, its_system, its_timeline, replayed = tuple(replica)
    timeline = timeline_of(segment)
    details = {"replica": number, "timeline": its_timeline, "primary_timeline": timeline}
    named = f"Replica {number}"
    if int(its_system) != int(system):
        return warning(
            "replica_of_another",
            f"{named} is not read: it holds another database system than REQTRAIL_DATABASE_URL.",
            "Name a standby of the primary, made by pg_basebackup.",
            **details,
        )
    if not in_recovery:
        return warning(
            "replica_promoted",
            f"{named} is not read: it is no standby; it takes writes, as a primary does.",
            "If it was promoted, name it in REQTRAIL_DATABASE_URL and make the old primary a standby (pg_rewind);"
            " if it is the primary, take it out of REQTRAIL_DATABASE_REPLICA_URLS.",
            **details,
        )
    if its_timeline != timeline:
        return warning(
            "replica_of_another_timeline",
            f"{named} is not read: it follows timeline {its_timeline}, and the primary writes {timeline}.",
            "Let it follow the present primary (primary_conninfo, recovery_target_timeline = 'latest'). Without"
            " pg_monitor the login sees a new timeline with the replica's next restart point only.",
            **details,
        )
    if replayed is None or int(replayed) < inserted:
        missing = inserted - int(replayed or 0)
        return warning(
            "replica_behind",
            f"{named} is not read: after {seconds:.1f} s it lacks {missing:,} bytes of the primary's log;"
            f" it may be {limit:g} s behind.",
            "See whether it receives and replays (pg_stat_replication at the primary, pg_stat_wal_receiver and"
            " pg_get_wal_replay_pause_state() at the replica).",
            bytes=missing,
            **details,
        )
    return fine(
        f"{named} follows the primary; it has what that had {seconds:.1f} s ago.", **details
    )


CHECKS: Final = (Check("database.replicas", "Replicas", _replicas, needs=("database",)),)
