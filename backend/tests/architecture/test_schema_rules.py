"""The rules that keep the schema distributable by project hold, and each finds a planted violation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from reqtrail.bootstrap.metadata import metadata
from reqtrail.kit import clock
from reqtrail.platform.database.migrate import sync_url
from tests.architecture import schema_rules as rules
from tests.architecture.schema_rules import Catalog, Scopes
from tests.fixtures.engines import Engines

SCOPES = {table.name: str(table.info.get("scope")) for table in metadata.tables.values()}
Rule = Callable[[Catalog, Scopes], list[str]]


def _connect(url: str) -> Catalog:
    plain = sync_url(url).replace("+psycopg", "")
    connection: psycopg.Connection[dict[str, Any]] = psycopg.connect(plain, row_factory=dict_row)
    return connection


@pytest.fixture(scope="module")
def catalog(database_url: str) -> Iterator[Catalog]:
    """A connection to a migrated database; its rows are dictionaries."""
    with _connect(database_url) as connection:
        yield connection


@pytest.fixture(scope="module")
def planted(engines: Engines, worker: str) -> Iterator[Catalog]:
    """A connection to a migrated database of this module's own, to plant violations in."""
    with _connect(engines.clone(f"planted_{worker}")) as connection:
        yield connection


@pytest.mark.parametrize(
    "rule",
    [
        rules.undeclared_tables,
        rules.uncounted_branches,
        rules.keys_without_project,
        rules.tables_without_project,
        rules.foreign_keys_across_projects,
        rules.unindexed_foreign_keys,
        rules.rows_without_wall,
        rules.privileges_beyond_need,
        rules.logic_in_the_database,
    ],
    ids=lambda rule: rule.__name__,
)
def test_the_rule_holds(catalog: Catalog, rule: Rule) -> None:
    assert rule(catalog, SCOPES) == []


TABLE = "CREATE TABLE planted (project_id uuid NOT NULL, id uuid NOT NULL, other uuid, {})"


@pytest.mark.parametrize(
    ("rule", "statement", "finding"),
    [
        (rules.uncounted_branches, "DROP STATISTICS st_links_hot_branch", "links_hot"),
        (rules.undeclared_tables, "CREATE TABLE unknown (id uuid PRIMARY KEY)", "unknown"),
        (rules.undeclared_tables, "SELECT 1", "planted"),
        (
            rules.keys_without_project,
            TABLE.format("CONSTRAINT pk PRIMARY KEY (id, project_id)"),
            "planted.pk(id, project_id)",
        ),
        (
            rules.keys_without_project,
            TABLE.format("PRIMARY KEY (project_id, id), CONSTRAINT uq UNIQUE (other)"),
            "planted.uq(other)",
        ),
        (
            rules.keys_without_project,
            TABLE.format("PRIMARY KEY (project_id, id)") + "; CREATE INDEX ix ON planted (other)",
            "planted.ix(other)",
        ),
        (
            rules.keys_without_project,
            "CREATE INDEX ix ON items_hot (lower(entity_id::text))",
            "items_hot.ix(an expression)",
        ),
        (rules.tables_without_project, TABLE.format("UNIQUE (project_id, id)"), "planted"),
        (rules.tables_without_project, "CREATE TABLE planted (project_id uuid)", "planted"),
        (
            rules.tables_without_project,
            "CREATE TABLE planted (project_id text PRIMARY KEY)",
            "planted",
        ),
        (
            rules.foreign_keys_across_projects,
            TABLE.format("PRIMARY KEY (project_id, id)")
            + "; CREATE UNIQUE INDEX ON planted (id, project_id)"
            "; ALTER TABLE planted ADD CONSTRAINT fk FOREIGN KEY (other, project_id)"
            " REFERENCES planted (id, project_id)",
            "planted.fk -> planted",
        ),
        (
            rules.foreign_keys_across_projects,
            TABLE.format("PRIMARY KEY (project_id, id)")
            + "; ALTER TABLE users ADD COLUMN p uuid, ADD CONSTRAINT fk FOREIGN KEY (p, user_id)"
            " REFERENCES planted (project_id, id)",
            "users.fk -> planted",
        ),
        (
            rules.unindexed_foreign_keys,
            TABLE.format("PRIMARY KEY (project_id, id)")
            + "; ALTER TABLE planted ADD CONSTRAINT fk FOREIGN KEY (project_id, other)"
            " REFERENCES planted (project_id, id)",
            "planted.fk(project_id, other)",
        ),
        (
            rules.rows_without_wall,
            "CREATE TABLE planted (project_id uuid)",
            "planted is not forced",
        ),
        (
            rules.rows_without_wall,
            "CREATE TABLE items_cold_1999 PARTITION OF items"
            " FOR VALUES FROM ('1999-01-01Z') TO ('2000-01-01Z')",
            "items_cold_1999 lacks project",
        ),
        (
            rules.rows_without_wall,
            "ALTER TABLE items_hot NO FORCE ROW LEVEL SECURITY",
            "items_hot is not forced",
        ),
        (
            rules.rows_without_wall,
            "ALTER TABLE projects DISABLE ROW LEVEL SECURITY",
            "projects is not forced",
        ),
        (
            rules.rows_without_wall,
            "CREATE POLICY everything ON commits USING (true)",
            "commits has everything",
        ),
        (rules.rows_without_wall, "ALTER POLICY project ON links USING (true)", "links is open"),
        (
            rules.rows_without_wall,
            "ALTER POLICY project ON links USING (project_id IN (SELECT project_id FROM memberships))",
            "links.project asks a query",
        ),
        (
            rules.privileges_beyond_need,
            "GRANT DELETE ON commits TO reqtrail_app",
            "commits: DELETE is too much",
        ),
        (
            rules.privileges_beyond_need,
            "GRANT TRUNCATE ON items TO reqtrail_app",
            "items: TRUNCATE is too much",
        ),
        (
            rules.privileges_beyond_need,
            "GRANT UPDATE (content_hash) ON items TO reqtrail_app",
            "items: UPDATE (content_hash) is too much",
        ),
        (
            rules.privileges_beyond_need,
            f"GRANT SELECT ON items_cold_{clock.now().year} TO reqtrail_app",
            f"items_cold_{clock.now().year}: SELECT is too much",
        ),
        (
            rules.privileges_beyond_need,
            "CREATE TABLE planted (id int); GRANT SELECT ON planted TO PUBLIC",
            "planted: SELECT is too much",
        ),
        (
            rules.privileges_beyond_need,
            "REVOKE UPDATE ON branches FROM reqtrail_app",
            "branches: UPDATE is missing",
        ),
        (
            rules.privileges_beyond_need,
            "ALTER TABLE seals OWNER TO reqtrail_app",
            "the role owns seals",
        ),
        (
            rules.logic_in_the_database,
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "function f",
        ),
        (
            rules.logic_in_the_database,
            "CREATE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW"
            " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "trigger t",
        ),
        (rules.logic_in_the_database, "CREATE SEQUENCE s", "sequence s"),
        (
            rules.logic_in_the_database,
            "CREATE TABLE items_rest PARTITION OF items DEFAULT",
            "default partition of items",
        ),
    ],
)
def test_a_planted_violation_is_found(
    planted: Catalog, rule: Rule, statement: str, finding: str
) -> None:
    try:
        planted.execute(statement.encode())
        scopes = SCOPES if finding == "unknown" else {**SCOPES, "planted": "tenant"}
        assert finding in rule(planted, scopes)
    finally:
        planted.rollback()


def test_a_role_that_could_step_over_the_wall_is_found(planted: Catalog) -> None:
    try:
        planted.execute("ALTER ROLE reqtrail_app BYPASSRLS")
        assert rules.privileges_beyond_need(planted, SCOPES) == ["the role has rolbypassrls"]
    finally:
        planted.rollback()


def test_versioned_tables_have_their_partitions(catalog: Catalog) -> None:
    """One hot partition with one current revision an entity and branch, and cold ones for three years."""
    indexes = catalog.execute(rules._INDEXES).fetchall()
    names = {
        row["relname"]
        for row in catalog.execute("SELECT relname FROM pg_class WHERE relispartition")
    }
    versioned = [table.name for table in metadata.tables.values() if table.info.get("versioned")]
    assert versioned
    for name in versioned:
        assert sum(part.startswith(f"{name}_cold_") for part in names) >= 3
        assert any(
            index["tbl"] == f"{name}_hot"
            and index["is_unique"]
            and index["columns"] == ["project_id", "branch_id", "entity_id"]
            for index in indexes
        )
