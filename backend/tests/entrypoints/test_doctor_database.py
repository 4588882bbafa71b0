"""``reqtrail doctor`` finds what is wrong with a database: each test plants it in a real one."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from alembic import command

from reqtrail.entrypoints.embedded.postgres import EmbeddedPostgres
from reqtrail.features.audit.public import load_keys, seal_events
from reqtrail.kit import clock
from reqtrail.platform.checks import database, schema
from reqtrail.platform.checks.database import judge_server
from reqtrail.platform.checks.model import Check, Finding, Installation, fine, run_checks
from reqtrail.platform.crypto.keyring import new_key_text
from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.database.migrate import alembic_config, sync_url, upgrade_to_head
from reqtrail.platform.database.partitions import versioned_tables
from reqtrail.platform.database.walls import APP_ROLE
from reqtrail.platform.settings import Settings
from tests.fixtures.doctor import Plant, Site, start_once
from tests.fixtures.engines import Engines
from tests.fixtures.instance import free_port

MOST_CONNECTIONS = 500
"""More than any PostgreSQL of the tests takes."""


def test_a_database_that_is_well(site: Site) -> None:
    found = site.look()
    for check in ("database", "database.owner", "database.clock", "database.connections"):
        assert [one["code"] for one in found[check]] == ["ok"], found[check]
    for check in ("database.migrations", "database.walls", "database.partitions", "jobs"):
        assert [one["code"] for one in found[check]] == ["ok"], found[check]
    assert found["database"][0]["details"]["version"]


def test_no_database_is_known(site: Site) -> None:
    found = site.look(database_url=None)
    assert [one["code"] for one in found["database"]] == ["database_unknown"]
    assert [one["code"] for one in found["database.walls"]] == ["not_checked"]
    said = site.run(database_url=None, code=1).stdout
    assert said.count("ot checked") == 1 and "warning Not checked: Database login, " in said
    assert site.finds("redis", database_url=None) == {"ok": "ok"}


def test_nobody_listens(site: Site) -> None:
    url = f"postgresql://ada:hunter22@127.0.0.1:{free_port()}/reqtrail"
    site.hidden.append("hunter22")
    found = site.look(database_url=url)["database"]
    assert [one["code"] for one in found] == ["database_unreachable"]
    assert "127.0.0.1" in found[0]["message"]


def test_an_address_that_is_none(site: Site) -> None:
    site.hidden.append("hunter22")
    assert site.finds("database", database_url="postgresql://ada:hunter22@host:port/x") == {
        "database_url_invalid": "failed"
    }
    assert site.finds("database", database_url="mysql://ada:hunter22@host/x") == {
        "database_url_invalid": "failed"
    }
    assert site.finds("database.owner", migration_database_url="mysql://ada:hunter22@host/x") == {
        "owner_url_invalid": "failed"
    }


def test_there_is_no_such_database(site: Site) -> None:
    url = site.environment["REQTRAIL_DATABASE_URL"].replace("doctor_", "absent_")
    assert site.finds("database", database_url=url) == {"database_missing": "failed"}


def test_a_database_that_can_only_be_read(site: Site, plant: Plant) -> None:
    name = site.environment["REQTRAIL_DATABASE_URL"].partition("@/")[2].partition("?")[0]
    plant(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert site.finds("database") == {"database_read_only": "failed"}


def test_a_database_of_another_encoding(engines: Engines, worker: str, site: Site) -> None:
    name = f"doctor_ascii_{worker}"
    engines.admin(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    try:
        found = site.finds("database", database_url=engines.postgres.url(name))
    finally:
        engines.admin(f"DROP DATABASE {name} WITH (FORCE)")
    assert found == {"database_encoding": "failed"}


def test_servers_that_cannot_be_had_here() -> None:
    server = SimpleNamespace(version="14.9", major=14, encoding="UTF8", read_only=False)
    assert judge_server(server, 0.001).code == "database_too_old"
    server.major = 15
    assert judge_server(server, 0.2).code == "database_slow"
    assert judge_server(server, 0.001).code == "ok"


def test_a_wrong_password(site: Site, guarded: EmbeddedPostgres) -> None:
    site.hidden += ["wrong-pass", "right-pass"]
    url = guarded.url().replace("://reqtrail@", "://guarded:wrong-password@")
    found = site.look(database_url=url)["database"]
    assert [one["code"] for one in found] == ["database_login_refused"]
    assert "login guarded" in found[0]["message"]
    # The right one gets further: there the role is missing.
    url = url.replace("wrong", "right")
    assert site.finds("database", database_url=url) == {"database_role_refused": "failed"}


def test_a_server_that_is_full(site: Site, guarded: EmbeddedPostgres) -> None:
    url = guarded.url().replace("://reqtrail@", "://guarded:right-password@")
    plain = sync_url(url).replace("+psycopg", "")
    taken: list[psycopg.Connection[Any]] = []
    with pytest.raises(psycopg.OperationalError, match="reserved|too many"):
        while len(taken) < MOST_CONNECTIONS:
            taken.append(psycopg.connect(plain))
    try:
        found = site.look(database_url=url)["database"]
    finally:
        for connection in taken:
            connection.close()
    assert [(one["code"], one["outcome"]) for one in found] == [("database_crowded", "failed")]
    assert found[0]["details"]["sqlstate"] == "53300"
    assert "max_connections" in found[0]["advice"]


def test_a_server_that_goes_away_between_two_checks(site: Site, guarded: EmbeddedPostgres) -> None:
    """No check crashes, and none tells that all is well."""
    url = guarded.url()

    async def stop(installation: Installation) -> Finding:
        await asyncio.to_thread(guarded.stop)
        return fine("It was stopped.")

    async def look() -> list[tuple[str, str]]:
        settings = Settings(home=site.home, database_role=None)
        looked_at = Installation(settings, {}, {}, {}, url, None, seconds=5)
        later = [one for one in (*database.CHECKS, *schema.CHECKS) if one.needs == ("database",)]
        checks = [database.CHECKS[0], Check("stop", "Stop", stop), *later]
        found = [(check.name, one.code) async for check, one in run_checks(looked_at, checks)]
        await looked_at.close()
        return found

    try:
        found = asyncio.run(look())
    finally:
        guarded.start()
    assert found[:2] == [("database", "ok"), ("stop", "ok")] and len(found) >= 6
    for name, code in found[2:]:
        assert code in {"database_refused", "system_refused", "owner_unreachable"}, name


def test_a_check_that_crashes_keeps_no_other_from_being_made(site: Site) -> None:
    """It says where, so that it can be reported, and not what: that may be a secret."""

    async def crash(installation: Installation) -> Finding:
        return judge_server("hunter22", 0)

    async def well(installation: Installation) -> Finding:
        return fine("All is well.")

    async def look() -> list[Finding]:
        looked_at = Installation(Settings(home=site.home), {}, {}, {}, None, None, seconds=5)
        checks = [
            Check("crash", "Crash", crash),
            Check("well", "Well", well),
            Check("after", "After", well, needs=("crash",)),
        ]
        return [one async for _, one in run_checks(looked_at, checks)]

    crashed, fine_, skipped = asyncio.run(look())
    assert (crashed.code, crashed.outcome) == ("check_crashed", "failed")
    assert "AttributeError at database.py:" in crashed.message
    assert "hunter22" not in f"{crashed}"
    assert (fine_.code, skipped.code) == ("ok", "not_checked")


def test_a_database_that_refuses_a_query(site: Site, plant: Plant) -> None:
    start_once(site)
    plant(f"REVOKE SELECT ON signing_keys FROM {APP_ROLE}")
    found = site.look()
    assert [(one["code"], one["outcome"]) for one in found["keys.signing"]] == [
        ("database_refused", "failed")
    ]
    assert "permission denied for table signing_keys" in found["keys.signing"][0]["message"]
    assert [one["code"] for one in found["audit"]] == ["ok"]


def test_a_database_without_a_schema(site: Site, guarded: EmbeddedPostgres) -> None:
    found = site.finds("database.migrations", database_url=guarded.url(), database_role="")
    assert found == {"schema_missing": "failed"}


def test_a_server_that_stands_still(site: Site, guarded: EmbeddedPostgres) -> None:
    pid = guarded.running_pid()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        found = site.look("--timeout", "0.5", database_url=guarded.url())
    finally:
        os.kill(pid, signal.SIGCONT)
    assert [one["code"] for one in found["database"]] == ["timed_out"]
    assert [one["code"] for one in found["redis"]] == ["ok"]


@pytest.fixture
def login(engines: Engines, worker: str) -> Iterator[Callable[[str], str]]:
    """Returns the address of a database for its ``owner``, a ``server``, a ``stranger`` or a ``climber``."""
    name = f"doctor_logins_{worker}"
    roles = {
        "owner": "LOGIN CREATEROLE",
        "server": f"LOGIN IN ROLE {APP_ROLE}",
        "stranger": "LOGIN",
        "climber": f"LOGIN BYPASSRLS IN ROLE {APP_ROLE}",
    }
    for role, words in roles.items():
        engines.admin(f"CREATE ROLE {name}_{role} {words}")
    engines.admin(f"GRANT {APP_ROLE} TO {name}_owner WITH ADMIN OPTION")
    engines.admin(f"CREATE DATABASE {name} OWNER {name}_owner")
    url = engines.postgres.url(name)
    upgrade_to_head(url.replace("://reqtrail@", f"://{name}_owner@"))
    yield lambda role: url.replace("://reqtrail@", f"://{name}_{role}@")
    engines.admin(f"DROP DATABASE {name} WITH (FORCE)")
    for role in roles:
        engines.admin(f"DROP ROLE {name}_{role}")


def test_logins_that_may_too_much(site: Site, login: Callable[[str], str]) -> None:
    def judged(role: str, becomes: str) -> dict[str, str]:
        return site.finds("database.login", database_url=login(role), database_role=becomes)

    assert judged("server", APP_ROLE) == judged("server", "") == {"ok": "ok"}
    assert judged("owner", APP_ROLE) == {"login_too_mighty": "warning"}
    assert judged("owner", "") == {"role_owns_tables": "failed"}
    assert judged("climber", APP_ROLE) == {"login_too_mighty": "warning"}
    assert judged("climber", "") == {"role_not_bound": "failed"}
    assert site.finds("database.login", database_role="") == {"role_not_bound": "failed"}
    assert site.finds("database", database_url=login("stranger")) == {
        "database_role_refused": "failed"
    }


def test_who_makes_partitions(site: Site, login: Callable[[str], str]) -> None:
    def judged(**settings: str) -> dict[str, str]:
        return site.finds("database.owner", database_url=login("server"), **settings)

    assert judged() == {"owner_unknown": "warning"}
    assert judged(migration_database_url=login("owner")) == {"ok": "ok"}
    assert judged(migration_database_url=login("stranger")) == {"owner_not_owner": "failed"}
    elsewhere = site.environment["REQTRAIL_DATABASE_URL"]
    assert judged(migration_database_url=elsewhere) == {"owner_elsewhere": "failed"}
    nowhere = f"postgresql://owner:hunter22@127.0.0.1:{free_port()}/reqtrail"
    site.hidden.append("hunter22")
    assert judged(migration_database_url=nowhere) == {"owner_unreachable": "failed"}


def test_migrations_that_are_behind_or_ahead(site: Site, plant: Plant) -> None:
    command.downgrade(alembic_config(site.environment["REQTRAIL_DATABASE_URL"]), "-1")
    found = site.look()
    assert [one["code"] for one in found["database.migrations"]] == ["schema_old"]
    assert [one["code"] for one in found["jobs"]] == ["not_checked"]
    plant("UPDATE alembic_version SET version_num = '20991231_0099_later'")
    assert site.finds("database.migrations") == {"schema_new": "failed"}


def test_row_level_security_that_was_switched_off(site: Site, plant: Plant) -> None:
    plant("ALTER TABLE entities DISABLE ROW LEVEL SECURITY")
    found = site.look()["database.walls"]
    assert [one["code"] for one in found] == ["tables_unprotected"]
    assert found[0]["details"]["relations"] == ["entities"]


def test_policies_that_somebody_changed(site: Site, plant: Plant) -> None:
    assert site.finds("database.walls") == {"ok": "ok"}
    plant("CREATE POLICY everybody ON entities USING (true)")
    found = site.look()["database.walls"]
    assert [(one["code"], one["outcome"]) for one in found] == [("policies_altered", "failed")]
    assert found[0]["details"]["relations"] == ["entities"]
    plant("DROP POLICY everybody ON entities")
    first, *_ = versioned_tables()
    plant(f"DROP POLICY project ON {first.name}_hot")
    assert site.finds("database.walls") == {"policies_altered": "failed"}


@pytest.mark.parametrize(
    "alteration",
    [
        "ALTER POLICY project ON memberships USING (true)",
        "ALTER POLICY project ON memberships WITH CHECK (true)",
        "ALTER POLICY own ON memberships USING (user_id IS NOT NULL)",
        "ALTER POLICY project ON memberships TO pg_monitor",
        "DROP POLICY own ON memberships; CREATE POLICY own ON memberships FOR DELETE USING"
        " (user_id = nullif(current_setting('reqtrail.actor', true), '')::uuid);"
        " COMMENT ON POLICY own ON memberships IS"
        " 'SELECT: user_id = nullif(current_setting(''reqtrail.actor'', true), '''')::uuid'",
    ],
)
def test_policies_that_were_altered_in_their_place(
    site: Site, plant: Plant, alteration: str
) -> None:
    """Their comments say still what they were; the next migration puts them back."""
    plant(alteration)
    found = site.look()["database.walls"]
    assert [(one["code"], one["outcome"]) for one in found] == [("policies_altered", "failed")]
    assert found[0]["details"]["relations"] == ["memberships"]
    upgrade_to_head(site.environment["REQTRAIL_DATABASE_URL"])
    assert site.finds("database.walls") == {"ok": "ok"}


def test_a_login_that_may_make_no_temporary_tables(site: Site, plant: Plant) -> None:
    """What policies were declared as is compared all the same."""
    url = site.environment["REQTRAIL_DATABASE_URL"]
    name = url.partition("@/")[2].partition("?")[0]
    plant(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")
    assert site.finds("database.walls") == {"ok": "ok"}
    plant("DROP POLICY own ON memberships")
    assert site.finds("database.walls") == {"policies_altered": "failed"}


def test_a_clock_that_is_ahead(site: Site, plant: Plant) -> None:
    name = site.environment["REQTRAIL_DATABASE_URL"].partition("@/")[2].partition("?")[0]
    plant(
        "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql"
        " AS $$ SELECT pg_catalog.clock_timestamp() + interval '90 s' $$"
    )
    plant(f"ALTER DATABASE {name} SET search_path = public, pg_catalog")
    found = site.look()["database.clock"]
    assert [(one["code"], one["outcome"]) for one in found] == [("clocks_differ", "warning")]
    assert 80 < found[0]["details"]["seconds"] < 100


def test_partitions_that_are_missing(site: Site, plant: Plant) -> None:
    now = clock.now()
    later = now.replace(day=1) + timedelta(days=40)
    plant(f"DROP TABLE audit_events_month_{later:%Y_%m}")
    assert site.finds("database.partitions") == {"partitions_to_come_missing": "warning"}
    plant(f"DROP TABLE audit_events_month_{now:%Y_%m}")
    found = site.look()["database.partitions"]
    assert [one["code"] for one in found] == ["partitions_missing"]
    assert found[0]["details"]["missing"] == [f"audit_events_month_{now:%Y_%m}"]


def test_more_processes_than_connections(site: Site) -> None:
    found = site.finds("database.connections", database_pool_size="500")
    assert found == {"connections_too_few": "warning"}


def test_keys_that_do_not_fit_the_database(site: Site, plant: Plant) -> None:
    settings = start_once(site)
    found = site.look()
    assert {one["code"] for name in ("keys.data", "keys.signing") for one in found[name]} == {"ok"}
    assert site.finds("keys.data", master_keys=new_key_text()) == {"master_key_wrong": "failed"}
    assert site.finds("keys.master", master_keys="abc") == {"master_key_invalid": "failed"}
    assert site.finds("keys.audit", audit_keys="abc") == {"audit_key_invalid": "failed"}

    async def seal() -> None:
        database = Database(make_engine(str(settings.database_url), pool_size=1))
        await seal_events(database, load_keys(settings))
        await database.dispose()

    asyncio.run(seal())
    assert site.finds("audit") == {"ok": "ok"}
    other = base64.b64encode(secrets.token_bytes(32)).decode()
    assert site.finds("audit", audit_keys=other) == {"audit_key_unknown": "failed"}
    plant("UPDATE signing_keys SET created_at = created_at - interval '200 days'")
    assert site.finds("keys.signing") == {"signing_key_old": "warning"}
    plant("UPDATE signing_keys SET sealed_private_key = sealed_private_key || '\\x00'")
    assert site.finds("keys.signing") == {"signing_key_unreadable": "failed"}
    plant("DELETE FROM signing_keys")
    assert site.finds("keys.signing") == {"signing_key_missing": "warning"}
