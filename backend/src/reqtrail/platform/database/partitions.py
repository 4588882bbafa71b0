"""Partitions, made ahead of time.

Versioned tables have one hot partition of current revisions and one cold partition a year of history. Monthly tables
have one partition a month; a month is dropped as a whole when it is no longer kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from reqtrail.kit import clock
from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.database.walls import row_security_statements

YEARS_AHEAD = 2
"""How many years of cold partitions exist beyond the present one."""
MONTHS_AHEAD = 6
"""How many monthly partitions exist beyond the present one: a partition that is missing would refuse every write."""


def versioned_tables() -> list[Table]:
    """Return every versioned table of the metadata, in a stable order."""
    return [table for table in metadata.sorted_tables if table.info.get("versioned")]


def monthly_tables() -> list[Table]:
    """Return every table of the metadata that is partitioned by month, in a stable order."""
    return [table for table in metadata.sorted_tables if table.info.get("monthly")]


def month_start(moment: datetime, later: int = 0) -> datetime:
    """Return the beginning of the month of *moment* (UTC), or of the month so many *later*."""
    number = moment.year * 12 + moment.month - 1 + later
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def month_partition_name(table: str, month: datetime) -> str:
    """Return the name of the partition of *table* that holds a month."""
    return f"{table}_month_{month:%Y_%m}"


def month_partition_statement(table: str, month: datetime) -> str:
    """Return the DDL of the partition of *table* that holds the month that begins at *month* (UTC)."""
    until = month_start(month, 1)
    return (
        f"CREATE TABLE IF NOT EXISTS {month_partition_name(table, month)} PARTITION OF {table}"
        f" FOR VALUES FROM ('{month:%Y-%m}-01T00:00:00Z') TO ('{until:%Y-%m}-01T00:00:00Z')"
    )


def months_to_have(moment: datetime) -> list[datetime]:
    """Return the months whose partitions must exist at *moment*: the one before too, as clocks differ."""
    return [month_start(moment, later) for later in range(-1, MONTHS_AHEAD + 1)]


def hot_partition_statements(table: str) -> Iterator[str]:
    """Yield the DDL of the hot partition of *table*.

    The unique index on the hot partition itself is what forbids two current revisions of an entity on a branch. The
    default serves COPY, which goes to the hot partition directly.
    """
    yield (
        f"CREATE TABLE {table}_hot PARTITION OF {table}"
        " FOR VALUES FROM ('infinity') TO (MAXVALUE)"
    )
    yield f"ALTER TABLE {table}_hot ALTER COLUMN superseded_at SET DEFAULT 'infinity'"
    yield (
        f"CREATE UNIQUE INDEX uq_{table}_hot_current"
        f" ON {table}_hot (project_id, branch_id, entity_id)"
    )


def hot_statistics_statement(table: str) -> str:
    """Return the DDL that has PostgreSQL count how many current revisions each branch has.

    A branch belongs to one project. The planner takes the two for independent otherwise: among many projects it expects
    one row of any branch, and joins the largest tables by comparing every row with every other.
    """
    return (
        f"CREATE STATISTICS IF NOT EXISTS st_{table}_hot_branch (dependencies, ndistinct, mcv)"
        f" ON project_id, branch_id FROM {table}_hot"
    )


def cold_partition_statement(table: str, year: int) -> str:
    """Return the DDL of the partition that holds what was superseded in *year* (UTC)."""
    return (
        f"CREATE TABLE IF NOT EXISTS {table}_cold_{year} PARTITION OF {table}"
        f" FOR VALUES FROM ('{year}-01-01T00:00:00Z') TO ('{year + 1}-01-01T00:00:00Z')"
    )


async def ensure_partitions(connection: AsyncConnection) -> list[str]:
    """Make the partitions of the present and of YEARS_AHEAD and MONTHS_AHEAD; return the names of the new ones.

    Safe to run at any time and from several processes at once; nothing relies on a default partition.
    """
    wanted = _wanted(clock.now())
    existing = await _existing(connection)
    made = [name for name in wanted if name not in existing]
    for name in made:
        table, statement = wanted[name]
        await connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        await connection.execute(text("SELECT pg_advisory_xact_lock(7301198)"))
        await connection.execute(text(statement))
        for statement in row_security_statements(table, name):
            await connection.exec_driver_sql(statement)
    return made


def _wanted(now: datetime) -> dict[str, tuple[Table, str]]:
    """Return the table and the DDL of each partition that must exist at *now*, by its name."""
    wanted = {
        f"{table.name}_cold_{year}": (table, cold_partition_statement(table.name, year))
        for table in versioned_tables()
        for year in range(now.year, now.year + YEARS_AHEAD + 1)
    }
    for table in monthly_tables():
        for month in months_to_have(now):
            name = month_partition_name(table.name, month)
            wanted[name] = (table, month_partition_statement(table.name, month))
    return wanted


async def _existing(connection: AsyncConnection) -> set[str]:
    names = await connection.scalars(
        text("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")
    )
    return set(names)


@dataclass(frozen=True)
class MissingPartitions:
    """Names of partitions that are missing: without one of the *present* nothing can be written at this moment."""

    present: list[str]
    to_come: list[str]


async def missing_partitions(connection: AsyncConnection) -> MissingPartitions:
    """Return the partitions that should exist by now and do not."""
    now = clock.now()
    existing = await _existing(connection)
    missing = [name for name in _wanted(now) if name not in existing]
    of_now = {f"{table.name}_hot" for table in versioned_tables()}
    present = [name for name in sorted(of_now) if name not in existing]
    ends = (f"_cold_{now.year}", f"_month_{now:%Y_%m}")
    present += [name for name in missing if name.endswith(ends)]
    return MissingPartitions(present, [name for name in missing if name not in present])


async def months_before(connection: AsyncConnection, table: str, until: datetime) -> list[str]:
    """Return the names of the monthly partitions of *table* that end at *until* or before, the oldest first."""
    names = await connection.scalars(
        text(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = to_regclass(:table) ORDER BY c.relname"
        ),
        {"table": table},
    )
    # The names of months sort as the months do.
    return [name for name in names if name < month_partition_name(table, until)]


async def drop_months(connection: AsyncConnection, names: list[str]) -> None:
    """Drop monthly partitions with all that is in them."""
    await connection.execute(text("SET LOCAL lock_timeout = '5s'"))
    for name in names:
        await connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
