"""What is in the database: the schema, its protection, partitions, and what the server has for all processes."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import text

from reqtrail.kit import clock
from reqtrail.platform.checks.model import (
    Check,
    Finding,
    Installation,
    failed,
    fine,
    in_thread,
    warning,
)
from reqtrail.platform.database.migrate import head_revision, is_known_revision
from reqtrail.platform.database.partitions import missing_partitions
from reqtrail.platform.database.walls import altered_relations, unprotected_relations

MOST_SKEW_SECONDS: Final = 2.0
WORKER_CONNECTIONS: Final = 10
"""Of each worker: its pool of six, what that may grow by, and one of the owner."""
NAMED: Final = 3
"""How many names a sentence holds."""


async def _migrations(installation: Installation) -> Finding:
    async with installation.opened().read_session() as session:
        present = None
        if await session.scalar(text("SELECT to_regclass('alembic_version')")) is not None:
            present = await session.scalar(text("SELECT version_num FROM alembic_version"))
    head = await in_thread(head_revision)
    details = {"revision": present, "head": head}
    if present == head:
        return fine(f"The schema is the newest that this version knows ({head}).", **details)
    if present is None:
        return failed(
            "schema_missing",
            "The database has no schema of Reqtrail yet.",
            "Run `reqtrail up` once with this database, which makes it; or correct the address.",
            **details,
        )
    if await in_thread(lambda: is_known_revision(present)):
        return failed(
            "schema_old",
            f"The schema is at {present}, and this version of Reqtrail needs {head}.",
            "Make a backup, then run `reqtrail up` once with this database, which migrates it.",
            **details,
        )
    return failed(
        "schema_new",
        f"The schema is at {present}, which a newer version of Reqtrail made.",
        "Upgrade this installation.",
        **details,
    )


async def _walls(installation: Installation) -> Finding:
    async with installation.opened().session() as session:
        connection = await session.connection()
        opened = await unprotected_relations(connection)
        altered = await connection.run_sync(altered_relations)
        await session.rollback()  # it made temporary tables
    if opened:
        return failed(
            "tables_unprotected",
            f"Row-level security is not in force on {_names(opened)}.",
            "Find out who switched it off, then run `reqtrail up` once, which puts it back.",
            relations=opened,
        )
    if altered:
        return failed(
            "policies_altered",
            f"Policies of row-level security are missing, altered, or not Reqtrail's own, on {_names(altered)}.",
            "Find out who changed them, then run `reqtrail up` once, which puts them back.",
            relations=altered,
        )
    return fine("Row-level security is in force on all tables of projects.")


async def _clock(installation: Installation) -> Finding:
    async with installation.opened().read_session() as session:
        before = clock.now()
        there = (await session.execute(text("SELECT clock_timestamp()"))).scalar_one()
        after = clock.now()
    skew = (there - (before + (after - before) / 2)).total_seconds()
    if abs(skew) > MOST_SKEW_SECONDS:
        way = "ahead of" if skew > 0 else "behind"
        return warning(
            "clocks_differ",
            f"The clock of the database is {abs(skew):.1f} s {way} that of this machine.",
            "Have both machines set their clocks by the network (NTP).",
            seconds=round(skew, 3),
        )
    return fine(f"The clocks differ by {abs(skew) * 1000:.0f} ms.", seconds=round(skew, 3))


async def _partitions(installation: Installation) -> Finding:
    async with installation.opened().read_session() as session:
        missing = await missing_partitions(await session.connection())
    if missing.present:
        return failed(
            "partitions_missing",
            f"The partitions of the present are missing ({_names(missing.present)}): changes are refused.",
            "Start an API process with REQTRAIL_MIGRATION_DATABASE_URL: it makes them at once.",
            missing=missing.present,
        )
    if missing.to_come:
        return warning(
            "partitions_to_come_missing",
            f"Partitions of times to come are missing ({_names(missing.to_come)}).",
            "Start an API process with REQTRAIL_MIGRATION_DATABASE_URL: it makes them once a day.",
            missing=missing.to_come,
        )
    return fine("The partitions of the present, of the next months and of the next years exist.")


async def _connections(installation: Installation) -> Finding:
    async with installation.opened().read_session() as session:
        offered = (
            await session.execute(
                text(
                    "SELECT current_setting('max_connections')::int"
                    " - current_setting('superuser_reserved_connections')::int"
                    " - coalesce(current_setting('reserved_connections', true)::int, 0)"
                )
            )
        ).scalar_one()
    settings = installation.settings
    pool = settings.database_pool_size
    api = settings.api_processes * (pool + max(1, pool // 2) + 1)
    wanted = api + settings.worker_processes * WORKER_CONNECTIONS
    details = {"offered": offered, "wanted": wanted}
    if wanted > offered:
        return warning(
            "connections_too_few",
            f"PostgreSQL offers {offered} connections, and the processes may want {wanted}.",
            "Raise max_connections, or lower REQTRAIL_DATABASE_POOL_SIZE.",
            **details,
        )
    return fine(
        f"PostgreSQL offers {offered} connections; the processes may want {wanted}.", **details
    )


def _names(names: list[Any]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


CHECKS: Final = (
    Check("database.clock", "Clocks", _clock, needs=("database",)),
    Check("database.connections", "Database connections", _connections, needs=("database",)),
    Check("database.migrations", "Database schema", _migrations, needs=("database",)),
    Check("database.walls", "Row-level security", _walls, needs=("database.migrations",)),
    Check("database.partitions", "Partitions", _partitions, needs=("database.migrations",)),
)
