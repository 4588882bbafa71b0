"""The rules that keep the schema distributable by project, as functions that name what breaks them.

Each reads the catalog of a migrated database. A table's scope (tenant, reference, catalog) is declared in the metadata;
see ``reqtrail.platform.database.metadata``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import psycopg

from reqtrail.platform.database.metadata import metadata, views
from reqtrail.platform.database.walls import APP_ROLE, policies_of, privileges_of

Catalog = psycopg.Connection[dict[str, Any]]
Scopes = Mapping[str, str]

KEY_EXCEPTIONS: Mapping[str, str] = {
    "ix_audit_events_time": "administrators read the newest events of all projects",
    "ix_commits_author_id": "foreign key to users: removing an account must not read every commit",
    "ix_exchange_jobs_author_id": "foreign key to users, as above",
    "ix_group_grants_group_id": "foreign key to groups, and the projects of a group",
    "ix_jobs_author_id": "foreign key to users, and the list of somebody's jobs",
    "ix_jobs_created_at": "administrators read the newest jobs of all projects",
    "ix_memberships_user_id": "foreign key to users, and the list of somebody's projects",
}
"""Primary keys, unique constraints and indexes of project data that do not begin with project_id, with the reason."""

GLOBAL_SEQUENCES: Mapping[str, str] = {}
"""Sequences, with the reason why numbers of it need not be counted for each project."""

_CONSTRAINTS = b"""
SELECT c.conname AS name, c.contype AS type, r.relname AS tbl, f.relname AS target,
  r.relispartition AS is_partition,
  (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY k(num, n)
     JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num) AS columns,
  (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(c.confkey) WITH ORDINALITY k(num, n)
     JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.num) AS target_columns
FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid LEFT JOIN pg_class f ON f.oid = c.confrelid
WHERE c.connamespace = 'public'::regnamespace ORDER BY r.relname, c.conname
"""
_INDEXES = b"""
SELECT n.relname AS name, r.relname AS tbl, i.indisunique AS is_unique,
  (SELECT array_agg(coalesce(a.attname::text, 'an expression') ORDER BY k.n)
     FROM unnest(i.indkey::int[]) WITH ORDINALITY k(num, n)
     LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num) AS columns
FROM pg_index i JOIN pg_class r ON r.oid = i.indrelid JOIN pg_class n ON n.oid = i.indexrelid
WHERE r.relnamespace = 'public'::regnamespace AND NOT n.relispartition ORDER BY r.relname, n.relname
"""
_PARTITION = re.compile(r"_(hot|cold_\d{4}.*|month_\d{4}_\d{2})$")


_IN_PROJECT = (
    "(project_id = (NULLIF(current_setting('reqtrail.project'::text, true), ''::text))::uuid)"
)
_ROLE_ABILITIES = (
    "rolsuper",
    "rolbypassrls",
    "rolcreaterole",
    "rolcreatedb",
    "rolreplication",
    "rolcanlogin",
)


def _table_of(name: str) -> str:
    """Return the table that the relation *name* is, or is a partition of."""
    return _PARTITION.sub("", name)


def uncounted_branches(catalog: Catalog, scopes: Scopes) -> list[str]:
    """Name the hot partitions of which the planner does not know how many rows a branch has."""
    rows = catalog.execute(
        "SELECT r.relname FROM pg_class r WHERE r.relnamespace = 'public'::regnamespace AND r.relkind = 'r'"
        r" AND r.relname LIKE '%\_hot' AND NOT EXISTS ("
        " SELECT FROM pg_statistic_ext e WHERE e.stxrelid = r.oid AND e.stxkind @> '{d,f,m}'::\"char\"[])"
    )
    return sorted(row["relname"] for row in rows)


def undeclared_tables(catalog: Catalog, scopes: Scopes) -> list[str]:
    """Name the tables that the metadata does not declare, and declarations without a known scope or a table."""
    rows = catalog.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition"
    )
    there = {row["relname"] for row in rows} - {"alembic_version"}
    known = {name for name, scope in scopes.items() if scope in {"tenant", "reference", "catalog"}}
    return sorted(there ^ known)


def keys_without_project(catalog: Catalog, scopes: Scopes) -> list[str]:
    """Name the keys, unique constraints and indexes of project data that do not begin with project_id.

    An exception that is none any more is named too.
    """
    found = {}
    for row in (*catalog.execute(_CONSTRAINTS), *catalog.execute(_INDEXES)):
        if row.get("type", "p") not in ("p", "u") or scopes.get(_table_of(row["tbl"])) != "tenant":
            continue
        if row["columns"][0] != "project_id":
            found[row["name"]] = f"{row['tbl']}.{row['name']}({', '.join(row['columns'])})"
    wrong = [text for name, text in found.items() if name not in KEY_EXCEPTIONS]
    return sorted(wrong) + [
        f"no exception any more: {name}" for name in KEY_EXCEPTIONS.keys() - found.keys()
    ]


def tables_without_project(catalog: Catalog, scopes: Scopes) -> list[str]:
    """Name the tables of project data without a primary key, or whose project_id is no uuid or may be null."""
    keyed = {row["tbl"] for row in catalog.execute(_CONSTRAINTS) if row["type"] == "p"}
    rows = catalog.execute(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND column_name = 'project_id' AND data_type = 'uuid' AND is_nullable = 'NO'"
    )
    sound = keyed & {row["table_name"] for row in rows}
    return sorted(name for name, scope in scopes.items() if scope == "tenant" and name not in sound)


def foreign_keys_across_projects(catalog: Catalog, scopes: Scopes) -> list[str]:
    """Name the foreign keys to project data from outside it, and those that could leave the project."""
    found = []
    for row in catalog.execute(_CONSTRAINTS):
        if row["type"] != "f" or row["is_partition"] or scopes.get(row["target"]) != "tenant":
            continue
        within = row["columns"][0] == row["target_columns"][0] == "project_id"
        if scopes.get(row["tbl"]) != "tenant" or not within:
            found.append(f"{row['tbl']}.{row['name']} -> {row['target']}")
    return found


def unindexed_foreign_keys(catalog: Catalog, scopes: Scopes) -> list[str]:
    """Name the foreign keys whose referencing columns lead no index: without one a purge takes minutes.

    Every query names the branch too, so an index may have ``branch_id`` between the project and the entity.
    """
    indexes = catalog.execute(_INDEXES).fetchall()
    found = []
    for row in catalog.execute(_CONSTRAINTS):
        if row["type"] != "f" or row["is_partition"]:
            continue
        columns = set(row["columns"])
        count = len(columns)
        leading = [index["columns"] for index in indexes if index["tbl"] == row["tbl"]]
        if not any(
            set(names[:count]) == columns or set(names[: count + 1]) == {*columns, "branch_id"}
            for names in leading
        ):
            found.append(f"{row['tbl']}.{row['name']}({', '.join(row['columns'])})")
    return found


def rows_without_wall(catalog: Catalog, scopes: Scopes) -> list[str]:
    """Name the tables and partitions of project data whose rows another project could reach.

    Each needs row-level security that binds its owner too, and the policy of the project; every other policy is one
    that the table declares. A condition with a subquery would keep the table from being distributed.
    """
    found = []
    policies: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in catalog.execute(
        "SELECT tablename, policyname, permissive, cmd, qual, with_check"
        " FROM pg_policies WHERE schemaname = 'public'"
    ):
        policies.setdefault(row["tablename"], {})[row["policyname"]] = tuple(
            row[part] or "" for part in ("permissive", "cmd", "qual", "with_check")
        )
    for row in catalog.execute(
        "SELECT relname, relrowsecurity AND relforcerowsecurity AS forced FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname"
    ):
        name = row["relname"]
        table = metadata.tables.get(_table_of(name))
        if scopes.get(_table_of(name)) != "tenant" and _table_of(name) != "projects":
            continue
        there = policies.get(name, {})
        declared = {item.name for item in policies_of(table)} if table is not None else {"project"}
        if not row["forced"]:
            found.append(f"{name} is not forced")
        found += [f"{name} lacks {item}" for item in declared - there.keys()]
        found += [f"{name} has {item}" for item in there.keys() - declared]
        found += [
            f"{name}.{item} asks a query" for item in there if "SELECT " in "".join(there[item][2:])
        ]
        if there.get("project") != ("PERMISSIVE", "ALL", _IN_PROJECT, _IN_PROJECT):
            found.append(f"{name} is open")
    return found


def privileges_beyond_need(catalog: Catalog, scopes: Scopes) -> list[str]:
    """Name what the application's role, or everybody, may do with a table beyond what the table declares."""
    wanted = {("alembic_version", "SELECT"), *((name, "SELECT") for name in views.tables)}
    for row in catalog.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    ):
        table = metadata.tables.get(_table_of(row["relname"]))
        if table is not None:
            declared = privileges_of(table, row["relname"])
            wanted |= {(row["relname"], privilege) for privilege in declared}
    rows = catalog.execute(
        "SELECT relname, privilege_type AS may, grantee FROM pg_class, aclexplode(relacl)"
        " WHERE relnamespace = 'public'::regnamespace"
        " UNION ALL SELECT relname, privilege_type || ' (' || attname || ')', grantee FROM pg_class"
        " JOIN pg_attribute ON attrelid = pg_class.oid, aclexplode(attacl)"
        " WHERE relnamespace = 'public'::regnamespace"
    ).fetchall()
    role = catalog.execute(
        f"SELECT oid, * FROM pg_roles WHERE rolname = '{APP_ROLE}'".encode()
    ).fetchone()
    assert role is not None
    # MAINTAIN lets a large commit have its rows counted; it reads and changes none.
    there = {
        (row["relname"], row["may"])
        for row in rows
        if row["grantee"] in (0, role["oid"]) and row["may"] != "MAINTAIN"
    }
    owned = catalog.execute("SELECT relname FROM pg_class WHERE relowner = %s", (role["oid"],))
    return [
        *(f"{name}: {may} is too much" for name, may in sorted(there - wanted)),
        *(f"{name}: {may} is missing" for name, may in sorted(wanted - there)),
        *(f"the role has {ability}" for ability in _ROLE_ABILITIES if role[ability]),
        *(f"the role owns {row['relname']}" for row in owned),
    ]


def logic_in_the_database(catalog: Catalog, scopes: Scopes) -> list[str]:
    """Name triggers, functions, default partitions and global sequences."""
    rows = catalog.execute(
        "SELECT 'trigger ' || tgname AS what FROM pg_trigger WHERE NOT tgisinternal"
        " UNION ALL SELECT 'function ' || proname FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace"
        " UNION ALL SELECT 'default partition of ' || partrelid::regclass FROM pg_partitioned_table"
        " WHERE partdefid <> 0"
        " UNION ALL SELECT 'sequence ' || relname FROM pg_class"
        " WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"
    )
    return sorted(
        row["what"] for row in rows if row["what"].removeprefix("sequence ") not in GLOBAL_SEQUENCES
    )
