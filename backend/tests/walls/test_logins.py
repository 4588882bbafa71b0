"""Which logins can migrate, and which can serve: superusers, plain owners, members of the role, and strangers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from reqtrail.platform.database.migrate import (
    current_revision,
    head_revision,
    is_bound_by_policies,
    sync_url,
    upgrade_to_head,
)
from reqtrail.platform.database.walls import APP_ROLE
from tests.fixtures.engines import Engines

Login = Callable[[str], str]


@pytest.fixture(scope="module")
def login(engines: Engines, worker: str) -> Iterator[Login]:
    """Returns the address of a database for a login: of its ``owner``, a ``server``, a ``stranger``."""
    name = f"logins_{worker}"
    for role, words in (
        ("owner", "LOGIN CREATEROLE"),
        ("server", f"LOGIN IN ROLE {APP_ROLE}"),
        ("stranger", "LOGIN"),
    ):
        engines.admin(f"CREATE ROLE {name}_{role} {words}")
    engines.admin(f"GRANT {APP_ROLE} TO {name}_owner WITH ADMIN OPTION")
    engines.admin(f"CREATE DATABASE {name} OWNER {name}_owner")
    url = engines.postgres.url(name)
    yield lambda role: url.replace("://reqtrail@", f"://{name}_{role}@")
    engines.admin(f"DROP DATABASE {name} WITH (FORCE)")
    for role in ("owner", "server", "stranger"):
        engines.admin(f"DROP ROLE {name}_{role}")


def _run(url: str, statement: str, role: str | None = None) -> None:
    with psycopg.connect(sync_url(url).replace("+psycopg", "")) as connection:
        if role:
            connection.execute(f"SET ROLE {role}".encode())
        connection.execute(statement.encode())


def test_an_owner_who_is_no_superuser_can_do_everything(login: Login) -> None:
    upgrade_to_head(login("owner"))
    assert current_revision(login("owner")) == head_revision()
    assert is_bound_by_policies(login("owner"), APP_ROLE)
    assert is_bound_by_policies(login("owner"), None), "policies bind the owner too"
    upgrade_to_head(login("owner"))


def test_a_login_of_its_own_can_serve_and_nothing_else(login: Login) -> None:
    upgrade_to_head(login("owner"))
    assert is_bound_by_policies(login("server"), APP_ROLE)
    assert is_bound_by_policies(login("server"), None)
    for statement in (
        "CREATE TABLE planted (id int)",
        "ALTER TABLE items NO FORCE ROW LEVEL SECURITY",
        "TRUNCATE commits CASCADE",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            _run(login("server"), statement)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        _run(login("server"), "SELECT 1", role=login("owner").split("@")[0].split("//")[1])


def test_a_stranger_can_not_become_the_role(login: Login) -> None:
    upgrade_to_head(login("owner"))
    with pytest.raises(OperationalError, match="permission denied to set role"):
        is_bound_by_policies(login("stranger"), APP_ROLE)


def test_a_superuser_is_bound_once_it_became_the_role(engines: Engines, database_url: str) -> None:
    assert is_bound_by_policies(database_url, APP_ROLE)
    assert not is_bound_by_policies(database_url, None)
