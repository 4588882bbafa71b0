"""What the application's database role may do, and which rows it sees: the second wall around every project.

The application does not own its tables. It connects as :data:`APP_ROLE`, which has the privileges that a table declares
in ``info["wall"]`` and no others. Each table of project data, each of its partitions, and ``projects`` itself have
row-level security that also binds the owner: rows are visible, and can be written, in the project of the transaction
alone, as :mod:`reqtrail.platform.database.scope` set it. A table that must be read before that, or by a task that
crosses projects, declares further policies.

Conditions hold no subqueries: Citus does not distribute tables whose policies have any. They compare with settings of
the transaction, and PostgreSQL checks that once a statement, not once a row.

What is declared is put into effect after each migration, and with each new partition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from reqtrail.platform.database.metadata import metadata, views
from reqtrail.platform.database.policy_texts import read_policies, write_conditions

APP_ROLE: Final = "reqtrail_app"
_MAINTAIN_SINCE: Final = 170000

Command = Literal["ALL", "SELECT", "INSERT", "UPDATE", "DELETE"]

IN_PROJECT: Final = "project_id = nullif(current_setting('reqtrail.project', true), '')::uuid"
AMONG_LISTED: Final = (
    "project_id = ANY (nullif(current_setting('reqtrail.projects', true), '')::uuid[])"
)
AMONG_GROUPS: Final = (
    "group_id = ANY (nullif(current_setting('reqtrail.groups', true), '')::uuid[])"
)
TO_ADMINISTRATORS: Final = "current_setting('reqtrail.administrator', true) = 'on'"
OF_ACTOR: Final = "user_id = nullif(current_setting('reqtrail.actor', true), '')::uuid"


@dataclass(frozen=True)
class Policy:
    """Rows that a command reaches besides those that other policies of the table open."""

    name: str
    command: Command
    condition: str


@dataclass(frozen=True)
class Wall:
    """What the application's role may do with a table. Everybody may SELECT; the rest is named.

    Attributes:
        insert, delete: Whether rows may be added and removed.
        update: Whether any column may be changed, or which ones.
        also: Policies besides the one that opens the project of the transaction.
    """

    insert: bool = True
    delete: bool = False
    update: bool | tuple[str, ...] = False
    also: tuple[Policy, ...] = field(default=())

    def privileges(self) -> Iterator[str]:
        """Yield the privileges as GRANT spells them."""
        yield "SELECT"
        if self.insert:
            yield "INSERT"
        if self.delete:
            yield "DELETE"
        if self.update is True:
            yield "UPDATE"
        elif self.update:
            yield from (f"UPDATE ({column})" for column in self.update)


LISTED: Final = (
    Policy("listed", "SELECT", AMONG_LISTED),
    Policy("administrators", "SELECT", TO_ADMINISTRATORS),
)
"""For what the list of projects shows of each: all that an account is in, and all there are for an administrator."""


APPEND: Final = Policy("append", "INSERT", "true")
"""For a record to which whoever does something adds, in whichever project."""


def open_to_task(tasks: str, *besides: Command) -> tuple[Policy, ...]:
    """Return the policies by which tasks of the instance find rows of any project, and do more *besides*.

    Args:
        tasks: The name of a task, or several, parted by blanks.
    """
    names = ", ".join(f"'{task}'" for task in tasks.split())
    condition = f"current_setting('reqtrail.task', true) IN ({names})"
    commands: tuple[Command, ...] = ("SELECT", *besides)
    return tuple(Policy(f"task_{command.lower()}", command, condition) for command in commands)


def wall_of(table: Table) -> Wall:
    """Return the wall that *table* declares; without one, rows can be read and added."""
    declared: Wall = table.info.get("wall") or Wall()
    return declared


def is_walled(table: Table) -> bool:
    """Return whether the rows of *table* belong to projects."""
    return table.info.get("scope") == "tenant" or table.name == "projects"


def policies_of(table: Table) -> Iterator[Policy]:
    """Yield the policies of *table* and of each of its partitions."""
    if is_walled(table):
        yield Policy("project", "ALL", IN_PROJECT)
        yield from wall_of(table).also


def privileges_of(table: Table, relation: str) -> set[str]:
    """Return the privileges on *relation*, which is *table* or a partition of it.

    Partitions are reached through their table. Only the hot ones are also read and written by name.
    """
    if relation == table.name:
        return set(wall_of(table).privileges())
    return {"SELECT", "INSERT"} if relation == f"{table.name}_hot" else set()


def row_security_statements(table: Table, relation: str) -> Iterator[str]:
    """Yield the DDL that makes the policies of *table* bind on *relation*, which has none yet."""
    if not is_walled(table):
        return
    yield f"ALTER TABLE {relation} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    for policy in policies_of(table):
        yield from _policy_statements(relation, policy)


def _policy_statements(relation: str, policy: Policy) -> Iterator[str]:
    using = "" if policy.command == "INSERT" else f" USING ({policy.condition})"
    check = "" if policy.command in {"SELECT", "DELETE"} else f" WITH CHECK ({policy.condition})"
    yield f"CREATE POLICY {policy.name} ON {relation} FOR {policy.command}{using}{check}"
    yield f"COMMENT ON POLICY {policy.name} ON {relation} IS '{_fingerprint(policy)}'"


def _fingerprint(policy: Policy) -> str:
    """Return the comment that says what a policy was declared as."""
    return f"{policy.command}: {policy.condition}".replace("'", "''")


async def unprotected_relations(connection: AsyncConnection) -> list[str]:
    """Return the tables of projects, and their partitions, on which row-level security does not bind everybody."""
    names = [table.name for table in metadata.sorted_tables if is_walled(table)]
    found = await connection.scalars(
        text(
            "SELECT c.relname FROM pg_class c"
            " LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent"
            " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')"
            " AND coalesce(p.relname, c.relname) = ANY(:names)"
            " AND NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY c.relname"
        ),
        {"names": names},
    )
    return list(found)


def altered_relations(connection: Connection) -> list[str]:
    """Return the tables, and their partitions, whose row-level security is not what the metadata declares.

    That is off, or a policy is missing, altered, of another version, or not of Reqtrail's making. Conditions are
    compared by means of temporary tables, so the transaction must be one that writes; the caller undoes it.
    """
    catalog = _Catalog(connection)
    return [
        relation
        for table in metadata.sorted_tables
        for relation in catalog.relations_of(table.name)
        if any(_row_security_changes(catalog, table, relation))
    ]


def raise_walls(connection: Connection) -> None:
    """Make roles, privileges and policies what the metadata declares, in the caller's transaction.

    The caller owns the tables and holds the lock of migrations. What is right already is not touched, so that nothing
    is locked without need.

    Raises:
        sqlalchemy.exc.ProgrammingError: If the role is missing and the login may not make it.
    """
    _make_role(connection)
    catalog = _Catalog(connection)
    catalog.privileges = _privileges(connection)
    for table in metadata.sorted_tables:
        for relation in catalog.relations_of(table.name):
            for statement in _row_security_changes(catalog, table, relation):
                connection.exec_driver_sql(statement)
            wanted = privileges_of(table, relation)
            if catalog.can_maintain and (relation.endswith("_hot") or relation == "entities"):
                wanted |= {"MAINTAIN"}
            _grant(connection, catalog, relation, wanted)
    for name in ("alembic_version", *views.tables):
        _grant(connection, catalog, name, {"SELECT"})


def lower_walls(connection: Connection) -> None:
    """Take all policies away, for an older version of Reqtrail, which knows nothing of them."""
    for relation, policies in _Catalog(connection).policies.items():
        connection.exec_driver_sql(
            f"ALTER TABLE {relation} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY"
        )
        for name in policies:
            connection.exec_driver_sql(f"DROP POLICY {name} ON {relation}")


def _make_role(connection: Connection) -> None:
    """Make the application's role if it is missing, and let the present login become it.

    Roles belong to the whole cluster, so migrations of other databases may be making it at this moment.
    """
    connection.exec_driver_sql(
        f"DO $$ BEGIN IF to_regrole('{APP_ROLE}') IS NULL THEN CREATE ROLE {APP_ROLE} NOLOGIN; END IF;"
        " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f"SET LOCAL ROLE {APP_ROLE}")
            connection.exec_driver_sql("SET LOCAL ROLE NONE")
    except ProgrammingError:
        # Not needed where the application has a login of its own; where it is, connecting will say so.
        with suppress(ProgrammingError), connection.begin_nested():
            connection.exec_driver_sql(f"GRANT {APP_ROLE} TO CURRENT_USER")


@dataclass(frozen=True)
class _Relation:
    name: str
    parent: str | None
    forced: bool


class _Catalog:
    """What the database says of its tables at present."""

    def __init__(self, connection: Connection) -> None:
        rows = connection.exec_driver_sql(
            "SELECT c.relname, p.relname, c.relrowsecurity AND c.relforcerowsecurity FROM pg_class c"
            " LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent"
            " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')"
            " ORDER BY c.relname"
        )
        self._relations = [_Relation(*row) for row in rows]
        self.policies = read_policies(connection)
        self._conditions = write_conditions(
            connection,
            {
                policy.condition: table.name
                for table in metadata.sorted_tables
                for policy in policies_of(table)
                if table.name in self.policies
            },
        )
        self.privileges: Mapping[str, set[str]] = {}
        version = connection.exec_driver_sql("SELECT current_setting('server_version_num')::int")
        self.can_maintain = version.scalar_one() >= _MAINTAIN_SINCE

    def relations_of(self, table: str) -> list[str]:
        """Return *table*, if it is there, and its partitions."""
        return [item.name for item in self._relations if table in (item.name, item.parent)]

    def has(self, relation: str, policy: Policy) -> bool:
        """Return whether *relation* has *policy* as it is declared."""
        there = self.policies.get(relation, {}).get(policy.name)
        if there is None or there.comment != f"{policy.command}: {policy.condition}":
            return False
        condition = self._conditions.get(policy.condition)
        return there.for_everybody and (
            condition is None
            or (there.command, there.using, there.check)
            == (
                policy.command,
                None if policy.command == "INSERT" else condition,
                None if policy.command in {"SELECT", "DELETE"} else condition,
            )
        )

    def is_forced(self, relation: str) -> bool:
        """Return whether the policies of *relation* bind everybody, its owner too."""
        return any(item.name == relation and item.forced for item in self._relations)


def _privileges(connection: Connection) -> Mapping[str, set[str]]:
    """Return the privileges of the application's role by relation, as GRANT spells them."""
    statement = text(
        "SELECT c.relname, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a"
        " WHERE a.grantee = CAST(CAST(:role AS text) AS regrole)"
        " AND c.relnamespace = current_schema()::regnamespace"
        " UNION ALL SELECT c.relname, a.privilege_type || ' (' || t.attname || ')' FROM pg_class c"
        " JOIN pg_attribute t ON t.attrelid = c.oid AND NOT t.attisdropped, aclexplode(t.attacl) a"
        " WHERE a.grantee = CAST(CAST(:role AS text) AS regrole)"
        " AND c.relnamespace = current_schema()::regnamespace"
    )
    rows: Any = connection.execute(statement, {"role": APP_ROLE})
    found: dict[str, set[str]] = {}
    for relation, privilege in rows:
        found.setdefault(relation, set()).add(privilege)
    return found


def _row_security_changes(catalog: _Catalog, table: Table, relation: str) -> Iterator[str]:
    there = catalog.policies.get(relation, {})
    wanted = {policy.name: policy for policy in policies_of(table)}
    for name in there:
        if name not in wanted or not catalog.has(relation, wanted[name]):
            yield f"DROP POLICY {name} ON {relation}"
    for policy in wanted.values():
        if not catalog.has(relation, policy):
            yield from _policy_statements(relation, policy)
    if wanted and not catalog.is_forced(relation):
        yield f"ALTER TABLE {relation} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"


def _grant(connection: Connection, catalog: _Catalog, relation: str, wanted: set[str]) -> None:
    there = catalog.privileges.get(relation, set())
    if there == wanted:
        return
    if there:
        connection.exec_driver_sql(f"REVOKE ALL ON {relation} FROM {APP_ROLE}")
    if wanted:
        connection.exec_driver_sql(f"GRANT {', '.join(sorted(wanted))} ON {relation} TO {APP_ROLE}")
