"""How PostgreSQL writes the conditions of policies, so that one that was altered in its place is noticed.

It keeps a condition as it understood it and writes it in its own way. So the declared one is given to it, too, with a
temporary table of the same columns, and both texts are compared. Whatever changes a policy may change its comment as
well, but not this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import ProgrammingError

COMMANDS: Final = {"*": "ALL", "r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}


@dataclass(frozen=True)
class PolicyText:
    """A policy as the database has it.

    Attributes:
        comment: What it was declared as when it was made.
        for_everybody: Whether it opens rows (is permissive), and to every role.
        using, check: Its conditions, in PostgreSQL's words; None where it has none.
    """

    comment: str
    command: str
    for_everybody: bool
    using: str | None
    check: str | None


def read_policies(connection: Connection) -> dict[str, dict[str, PolicyText]]:
    """Return the policies of the present schema, by relation and name."""
    rows = connection.exec_driver_sql(
        "SELECT c.relname, p.polname, obj_description(p.oid, 'pg_policy'), p.polcmd::text,"
        " p.polpermissive AND p.polroles = ARRAY[0::oid],"
        " pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)"
        " FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
        " WHERE c.relnamespace = current_schema()::regnamespace"
    )
    found: dict[str, dict[str, PolicyText]] = {}
    for relation, name, comment, command, for_everybody, using, check in rows:
        found.setdefault(relation, {})[name] = PolicyText(
            comment or "", COMMANDS[command], for_everybody, using, check
        )
    return found


def write_conditions(connection: Connection, tables: Mapping[str, str]) -> dict[str, str]:
    """Return conditions as PostgreSQL writes them; nothing if the login may make no temporary tables.

    Args:
        tables: For each condition, a table that it is about.
    """
    try:
        with connection.begin_nested():
            return {
                condition: _written(connection, table, condition)
                for condition, table in tables.items()
            }
    except ProgrammingError:
        return {}


def _written(connection: Connection, table: str, condition: str) -> str:
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE reqtrail_policy_probe (LIKE {table})")
    connection.exec_driver_sql(
        f"CREATE POLICY probe ON pg_temp.reqtrail_policy_probe USING ({condition})"
    )
    text: str = connection.exec_driver_sql(
        "SELECT pg_get_expr(polqual, polrelid) FROM pg_policy"
        " WHERE polrelid = 'pg_temp.reqtrail_policy_probe'::regclass"
    ).scalar_one()
    connection.exec_driver_sql("DROP TABLE pg_temp.reqtrail_policy_probe")
    return text
