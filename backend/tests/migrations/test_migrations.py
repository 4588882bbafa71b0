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


def test_imports_of_the_version_before_are_queued_as_jobs(empty_url: str) -> None:
    """What waited or was under way is done by this version; reports that wait to be committed are still there."""
    command.upgrade(alembic_config(empty_url), "20261129_0021_trace_parents")
    states = ("queued", "running", "committing", "dry_run_ready", "done", "cancelled")
    with psycopg.connect(sync_url(empty_url).replace("+psycopg", "")) as connection:
        author = "4d0f7a5e-0000-4000-8000-000000000001"
        connection.execute(
            "INSERT INTO users VALUES (%s, 'a@example.org', 'A', '', false, true, now(), NULL)",
            (author,),
        )
        connection.execute("SET session_replication_role = replica")  # there is no project
        for number, state in enumerate((*states, "done", "running")):
            ended = f"now() - interval '{1 if number < len(states) else 9} days'"
            connection.execute(
                "INSERT INTO exchange_jobs SELECT gen_random_uuid(), gen_random_uuid(), %s,"
                " %s, false, 'reading', 1, 2, %s, 1, '{}', '{}', '[]', 'null', NULL, 1, now(), %s, now(),"
                f" CASE WHEN %s THEN {ended} END, NULL, 'trace'",
                (author, state, f"{state} {number}", number == 7, state in ("done", "cancelled")),
            )
    upgrade_to_head(empty_url)
    with psycopg.connect(sync_url(empty_url).replace("+psycopg", "")) as connection:
        rows = connection.execute(
            "SELECT e.file_name, e.state, j.state, j.attempts, j.most_attempts, j.kind, j.trace_parent"
            " FROM exchange_jobs e LEFT JOIN jobs j USING (project_id, job_id, author_id)"
            " ORDER BY right(e.file_name, 1)"
        ).fetchall()
    assert [row[:3] for row in rows] == [
        ("queued 0", "queued", "queued"),
        ("running 1", "queued", "queued"),
        ("committing 2", "committing", "queued"),
        ("dry_run_ready 3", "dry_run_ready", "done"),
        ("done 4", "done", "done"),
        ("cancelled 5", "cancelled", "cancelled"),
        ("done 6", "done", None),
        ("running 7", "queued", "cancelled"),
    ]
    assert rows[0][3:] == (1, 6, "exchange.import", "trace")
    command.downgrade(alembic_config(empty_url), "20261129_0021_trace_parents")
    with psycopg.connect(sync_url(empty_url).replace("+psycopg", "")) as connection:
        left = connection.execute(
            "SELECT state, count(*) FROM exchange_jobs GROUP BY state ORDER BY state"
        ).fetchall()
    assert dict(left) == {
        **{"cancelled": 1, "committing": 1, "done": 2, "dry_run_ready": 1, "failed": 1},
        "queued": 2,
    }
