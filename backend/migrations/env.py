"""Alembic's environment: one transaction under an advisory lock, with timeouts that let the old code go on."""

from __future__ import annotations

import re

from alembic import context
from sqlalchemy import create_engine, pool, text

from reqtrail.bootstrap.metadata import metadata
from reqtrail.platform.database.walls import lower_walls, raise_walls

MIGRATION_LOCK = 7301197
_PARTITION = re.compile(r"_hot$|_cold_|_month_")


def _include_name(name: str | None, kind: str, parents: object) -> bool:
    """Leave partitions out of comparisons: they are made by the partition job, not declared in the metadata."""
    return not (kind == "table" and name is not None and _PARTITION.search(name))


def run() -> None:
    """Run the migrations online; offline SQL is not supported because partitions depend on the present year."""
    url = context.config.get_main_option("sqlalchemy.url")
    assert url is not None
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SET statement_timeout = '15min'"))
        # The lock timeout comes after the advisory lock: whoever is second waits for the first, however long it takes.
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.execute(text("SET lock_timeout = '5s'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=metadata,
            include_name=_include_name,
            compare_type=True,
        )
        with context.begin_transaction():
            # A migration that touches rows of projects as an owner whom policies bind would silently find none.
            connection.execute(text("SET LOCAL row_security = off"))
            context.run_migrations()
        connection.commit()
        if context.get_context().get_current_revision() == context.script.get_current_head():
            raise_walls(connection)
        else:
            lower_walls(connection)
        connection.commit()
    engine.dispose()


run()
