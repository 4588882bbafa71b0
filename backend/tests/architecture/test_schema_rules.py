"""The rules that keep the schema distributable by project, read from the catalog of a migrated database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from reqtrail.bootstrap.metadata import metadata
from reqtrail.platform.database.migrate import sync_url

SCOPES = {table.name: table.info.get("scope") for table in metadata.tables.values()}
TENANT = sorted(name for name, scope in SCOPES.items() if scope == "tenant")
CONSTRAINTS = """
SELECT c.conname AS name, c.contype AS type, r.relname AS tbl, f.relname AS target, r.relispartition AS is_partition,
  (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY k(num, n)
     JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num) AS columns,
  (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(c.confkey) WITH ORDINALITY k(num, n)
     JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.num) AS target_columns
FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid LEFT JOIN pg_class f ON f.oid = c.confrelid
WHERE c.connamespace = 'public'::regnamespace
"""
INDEXES = """
SELECT r.relname AS tbl, i.indisunique AS is_unique,
  (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(i.indkey::int[]) WITH ORDINALITY k(num, n)
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num) AS columns
FROM pg_index i JOIN pg_class r ON r.oid = i.indrelid WHERE r.relnamespace = 'public'::regnamespace
"""


@pytest.fixture(scope="module")
def catalog(database_url: str) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """A connection whose rows are dictionaries."""
    url = sync_url(database_url).replace("+psycopg", "")
    with psycopg.connect(url, row_factory=dict_row) as connection:
        yield connection


def test_every_table_declares_its_scope(catalog: psycopg.Connection[dict[str, Any]]) -> None:
    """A table is tenant, reference or catalog, and none is made behind the metadata's back."""
    assert set(SCOPES.values()) <= {"tenant", "reference", "catalog"}, SCOPES
    rows = catalog.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition"
    )
    assert {row["relname"] for row in rows} == {*SCOPES, "alembic_version"}


def test_project_id_leads_keys_of_tenant_tables(
    catalog: psycopg.Connection[dict[str, Any]],
) -> None:
    """Primary keys, unique constraints and unique indexes of project data begin with project_id, which is not null."""
    keys = [row for row in catalog.execute(CONSTRAINTS.encode()) if row["type"] in ("p", "u")]
    keyed = {row["tbl"] for row in keys if row["type"] == "p"}
    assert set(TENANT) <= keyed
    unique = [row for row in catalog.execute(INDEXES.encode()) if row["is_unique"]]
    for row in [*keys, *unique]:
        if row["tbl"].partition("_hot")[0].partition("_cold_")[0] in TENANT:
            assert row["columns"][0] == "project_id", row


def test_foreign_keys_stay_within_a_project(catalog: psycopg.Connection[dict[str, Any]]) -> None:
    """Tenant to tenant keys begin with project_id on both sides; nothing global refers to project data."""
    for row in catalog.execute(CONSTRAINTS.encode()):
        if row["type"] != "f" or row["is_partition"]:
            continue
        source, target = SCOPES[row["tbl"]], SCOPES[row["target"]]
        if target == "tenant":
            assert source == "tenant", row
            assert row["columns"][0] == row["target_columns"][0] == "project_id", row


def test_foreign_keys_are_indexed(catalog: psycopg.Connection[dict[str, Any]]) -> None:
    """Each foreign key's referencing columns lead an index, in any order: without one a purge takes minutes."""
    indexes = catalog.execute(INDEXES.encode()).fetchall()
    for row in catalog.execute(CONSTRAINTS.encode()):
        if row["type"] != "f" or row["is_partition"]:
            continue
        columns = set(row["columns"])
        covered = [
            index
            for index in indexes
            if index["tbl"] == row["tbl"]
            and (
                set(index["columns"][: len(columns)]) == columns
                # Every query names the branch too, so an index may have it between the project and the entity.
                or set(index["columns"][: len(columns) + 1]) == {*columns, "branch_id"}
            )
        ]
        assert covered, row


def test_no_triggers_and_no_default_partition(
    catalog: psycopg.Connection[dict[str, Any]],
) -> None:
    """The application keeps the rules, and a row of a year without a partition is an error, not a slow table."""
    assert not catalog.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal").fetchall()
    assert not catalog.execute("SELECT 1 FROM pg_partitioned_table WHERE partdefid <> 0").fetchall()
    assert not catalog.execute(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    ).fetchall()


def test_versioned_tables_have_their_partitions(
    catalog: psycopg.Connection[dict[str, Any]],
) -> None:
    """One hot partition with one current revision an entity and branch, and cold ones for three years."""
    indexes = catalog.execute(INDEXES.encode()).fetchall()
    names = {
        row["relname"]
        for row in catalog.execute("SELECT relname FROM pg_class WHERE relispartition")
    }
    versioned = [table.name for table in metadata.tables.values() if table.info.get("versioned")]
    assert versioned
    for name in versioned:
        assert sum(part.startswith(f"{name}_cold_") for part in names) >= 3
        current = {
            "tbl": f"{name}_hot",
            "is_unique": True,
            "columns": ["project_id", "branch_id", "entity_id"],
        }
        assert current in indexes
