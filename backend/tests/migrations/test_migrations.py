"""Migrations: from nothing to the head and back, in step with the tables that the code declares."""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg
import pytest
from alembic import command

from reqtrail.platform.database.migrate import (
    alembic_config,
    current_revision,
    head_revision,
    sync_url,
    upgrade_to_head,
)
from tests.fixtures.engines import Engines


@pytest.fixture
def empty_url(engines: Engines, worker: str) -> str:
    """The URL of an empty database."""
    name = f"empty_{worker}"
    engines.admin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    engines.admin(f'CREATE DATABASE "{name}"')
    return engines.postgres.url(name)


def _tables(url: str) -> set[str]:
    with psycopg.connect(sync_url(url).replace("+psycopg", "")) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p')"
        ).fetchall()
    return {row[0] for row in rows}


def test_up_down_up(empty_url: str) -> None:
    """Empty, head, base, head: nothing is left behind, and the second way up gives what the first one gave."""
    assert current_revision(empty_url) is None
    upgrade_to_head(empty_url)
    first = _tables(empty_url)
    command.downgrade(alembic_config(empty_url), "base")
    assert _tables(empty_url) == {"alembic_version"}
    upgrade_to_head(empty_url)
    assert _tables(empty_url) == first
    assert current_revision(empty_url) == head_revision()


def test_the_head_is_what_the_code_declares(empty_url: str) -> None:
    """Alembic finds nothing to do."""
    upgrade_to_head(empty_url)
    command.check(alembic_config(empty_url))


def test_several_processes_may_migrate_at_once(empty_url: str) -> None:
    """Whoever comes second waits for the first and finds it done."""
    program = (
        "import sys; from reqtrail.platform.database.migrate import upgrade_to_head;"
        " upgrade_to_head(sys.argv[1])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    running = [
        subprocess.Popen([sys.executable, "-c", program, empty_url], env=environment)
        for _ in range(2)
    ]
    assert [process.wait(120) for process in running] == [0, 0]
    assert current_revision(empty_url) == head_revision()
