"""Partitions of the versioned tables: one hot partition of current revisions, one cold partition a year of history."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from reqtrail.kit import clock
from reqtrail.platform.database.metadata import metadata

YEARS_AHEAD = 2
"""How many years of cold partitions exist beyond the present one."""


def versioned_tables() -> list[Table]:
    """Return every versioned table of the metadata, in a stable order."""
    return [table for table in metadata.sorted_tables if table.info.get("versioned")]


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


def cold_partition_statement(table: str, year: int) -> str:
    """Return the DDL of the partition that holds what was superseded in *year* (UTC)."""
    return (
        f"CREATE TABLE IF NOT EXISTS {table}_cold_{year} PARTITION OF {table}"
        f" FOR VALUES FROM ('{year}-01-01T00:00:00Z') TO ('{year + 1}-01-01T00:00:00Z')"
    )


async def ensure_partitions(connection: AsyncConnection) -> list[str]:
    """Make the cold partitions of this year and of the YEARS_AHEAD that follow; return the names of the new ones.

    Safe to run at any time and from several processes at once; nothing relies on a default partition.
    """
    existing = set(
        (
            await connection.scalars(
                text("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")
            )
        ).all()
    )
    this_year = clock.now().year
    made = []
    for table in versioned_tables():
        for year in range(this_year, this_year + YEARS_AHEAD + 1):
            name = f"{table.name}_cold_{year}"
            if name in existing:
                continue
            await connection.execute(text("SET LOCAL lock_timeout = '5s'"))
            await connection.execute(text("SELECT pg_advisory_xact_lock(7301198)"))
            await connection.execute(text(cold_partition_statement(table.name, year)))
            made.append(name)
    return made
