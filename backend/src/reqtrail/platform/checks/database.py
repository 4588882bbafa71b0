"""PostgreSQL: whether it answers, as which version, to which login."""

from __future__ import annotations

import time
from statistics import median
from typing import Any, Final

from asyncpg.exceptions import PostgresError
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from reqtrail.platform.checks.model import (
    Check,
    Finding,
    Installation,
    failed,
    fine,
    warning,
)
from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.database.walls import APP_ROLE

OLDEST: Final = 15
SLOW_SECONDS: Final = 0.02
PINGS: Final = 5
CANNOT_CONNECT: Final = (PostgresError, DBAPIError, OSError, ArgumentError, ValueError)
"""What a connection that is not had raises; the driver's own errors are not translated while it connects."""

_WHAT_IT_IS: Final = text(
    "SELECT current_setting('server_version') AS version,"
    " current_setting('server_version_num')::int / 10000 AS major,"
    " current_setting('server_encoding') AS encoding,"
    " pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool AS read_only"
)
_LOGIN: Final = text(
    "SELECT session_user::text AS login, current_user::text AS role,"
    " l.rolsuper OR l.rolbypassrls AS login_is_above, r.rolsuper OR r.rolbypassrls AS role_is_above,"
    " (SELECT pg_has_role(r.oid, relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('projects'))"
    " AS role_is_owner,"
    " (SELECT pg_has_role(l.oid, relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('projects'))"
    " AS login_is_owner"
    " FROM pg_roles l, pg_roles r WHERE l.rolname = session_user AND r.rolname = current_user"
)
_IDENTITY: Final = text(
    "SELECT pg_postmaster_start_time(), oid FROM pg_database WHERE datname = current_database()"
)
_OWNS: Final = text(
    "SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class"
    " WHERE oid = to_regclass('projects')"
)


async def _connects(installation: Installation) -> Finding:
    if "database_url" in installation.invalid:
        return failed(
            "database_url_invalid",
            "REQTRAIL_DATABASE_URL is not valid.",
            "Write it as postgresql://user:password@host/database.",
        )
    if installation.database_url is None:
        return failed(
            "database_unknown",
            f"No local instance runs with the home {installation.settings.home}, and no database is set.",
            "Start `reqtrail up`, or set REQTRAIL_DATABASE_URL or REQTRAIL_HOME.",
        )
    role = installation.settings.database_role
    try:
        engine = make_engine(installation.database_url, role=role, pool_size=1)
        installation.database = database = Database(engine)
        async with database.session() as session:
            row = (await session.execute(_WHAT_IT_IS)).one()
            taken = []
            for _ in range(PINGS):
                began = time.perf_counter()
                await session.execute(text("SELECT 1"))
                taken.append(time.perf_counter() - began)
    except TimeoutError:
        raise
    except CANNOT_CONNECT as error:
        return no_connection(installation.database_url, role, error)
    return judge_server(row, median(taken))


def judge_server(row: Any, seconds: float) -> Finding:
    """Return what is to say of a server that answers.

    Args:
        row: Its ``version``, ``major``, ``encoding`` and whether it is ``read_only``.
        seconds: How long it takes to answer the smallest query.
    """
    details = {"version": row.version, "milliseconds": round(seconds * 1000, 2)}
    said = f"PostgreSQL {row.version} answers within {seconds * 1000:.1f} ms"
    if row.major < OLDEST:
        return failed(
            "database_too_old",
            f"PostgreSQL {row.version} is too old.",
            f"Upgrade it to version {OLDEST} or newer.",
            **details,
        )
    if row.encoding != "UTF8":
        return failed(
            "database_encoding",
            f"The database keeps texts as {row.encoding}.",
            "Make a database with ENCODING 'UTF8' and move the data there.",
            **details,
        )
    if row.read_only:
        return failed(
            "database_read_only",
            "The database can only be read: it is a replica, or set so.",
            "Name the primary server in REQTRAIL_DATABASE_URL, or reset default_transaction_read_only.",
            **details,
        )
    if seconds > SLOW_SECONDS:
        return warning(
            "database_slow",
            f"{said}, which every request waits for several times.",
            "Run Reqtrail near its database, and see what else uses the database's machine.",
            **details,
        )
    return fine(f"{said}.", **details)


def no_connection(url: str, role: str | None, error: Exception) -> Finding:
    """Return why there is no connection to *url*, which is not shown as a whole."""
    try:
        parts = make_url(url)
        place = f"{parts.query.get('host') or parts.host or 'this machine'}:{parts.port or 5432}"
        login, database = parts.username or "", parts.database or ""
    except (ArgumentError, ValueError):
        return failed(
            "database_url_invalid",
            "The address of the database cannot be read.",
            "Write it as postgresql://user:password@host/database; special characters of a password as %40.",
        )
    state = getattr(getattr(error, "orig", error), "sqlstate", None) or ""
    details = {"place": place, "sqlstate": state}
    if state in {"28P01", "28000"}:
        return failed(
            "database_login_refused",
            f"PostgreSQL at {place} does not let the login {login} in.",
            "Correct the password in the address, and see pg_hba.conf for what the login may.",
            **details,
        )
    if state == "3D000":
        return failed(
            "database_missing",
            f"PostgreSQL at {place} has no database {database}.",
            "Correct the address, or make the database: CREATE DATABASE ….",
            **details,
        )
    if state in {"42501", "42704", "22023"} and role is not None:
        return failed(
            "database_role_refused",
            f"The login {login} cannot become the role {role}.",
            f"Run `reqtrail up` once, which makes the role, or as an administrator: GRANT {role} TO {login};",
            **details,
        )
    if state == "53300":
        return failed(
            "database_crowded",
            f"PostgreSQL at {place} takes no more connections of {login}.",
            "Raise max_connections, or the limit of the login or the database; or lower"
            " REQTRAIL_DATABASE_POOL_SIZE and the number of processes.",
            **details,
        )
    if state == "57P03":
        return failed(
            "database_not_ready",
            f"PostgreSQL at {place} starts or stops at this moment.",
            "Look again in a minute; if it stays so, see PostgreSQL's log.",
            **details,
        )
    told = str(getattr(error, "orig", None) or error).split("\n")[0].rstrip(".")
    reason = getattr(error, "strerror", None) or told or type(error).__name__
    return failed(
        "database_unreachable",
        f"PostgreSQL at {place} cannot be reached: {reason}.",
        "See whether it runs, whether the address is right, and whether a firewall is in between.",
        **details,
    )


async def _login(installation: Installation) -> Finding:
    async with installation.opened().read_session() as session:
        row = (await session.execute(_LOGIN)).one()
    details = {"login": row.login, "role": row.role}
    if row.role_is_above:
        return failed(
            "role_not_bound",
            f"Reqtrail works as {row.role}, which row-level security does not bind: every project is open to it.",
            f"Set REQTRAIL_DATABASE_ROLE to {APP_ROLE}, and use a login without SUPERUSER and BYPASSRLS.",
            **details,
        )
    if row.role_is_owner:
        return failed(
            "role_owns_tables",
            f"Reqtrail works as {row.role}, which owns the tables and can switch their protection off.",
            f"Set REQTRAIL_DATABASE_ROLE to {APP_ROLE}, or use a login that is only a member of it.",
            **details,
        )
    said = f"The login {row.login} works as {row.role}, which row-level security binds"
    if (row.login_is_above or row.login_is_owner) and not installation.has_embedded_postgres:
        what = "is a superuser or has BYPASSRLS" if row.login_is_above else "owns the tables"
        return warning(
            "login_too_mighty",
            f"{said}; but the login itself {what}.",
            "Use two logins, as “Two logins” in docs/operations.md says.",
            **details,
        )
    return fine(f"{said}.", **details)


async def _owner(installation: Installation) -> Finding:
    url, settings = installation.owner_url, installation.settings
    if "migration_database_url" in installation.invalid:
        return failed(
            "owner_url_invalid",
            "REQTRAIL_MIGRATION_DATABASE_URL is not valid.",
            "Write it as postgresql://user:password@host/database.",
        )
    assert url is not None
    try:
        owner = Database(make_engine(url, role=None, pool_size=1))
        try:
            async with owner.read_session() as session:
                owns = await session.scalar(_OWNS)
                there = (await session.execute(_IDENTITY)).one()
        finally:
            await owner.dispose()
    except TimeoutError:
        raise
    except CANNOT_CONNECT as error:
        found = no_connection(url, None, error)
        return failed(
            found.code.replace("database_", "owner_"),
            f"Partitions cannot be made: {found.message}",
            found.advice,
            **found.details,
        )
    async with installation.opened().read_session() as session:
        here = (await session.execute(_IDENTITY)).one()
    if there != here:
        return failed(
            "owner_elsewhere",
            "REQTRAIL_MIGRATION_DATABASE_URL and REQTRAIL_DATABASE_URL lead to different databases.",
            "Name the same database in both, with two logins.",
        )
    if owns is False and settings.migration_database_url is None:
        return warning(
            "owner_unknown",
            "The login does not own the tables, so processes with these settings make no partitions.",
            "Give at least one API process and one worker REQTRAIL_MIGRATION_DATABASE_URL.",
        )
    if owns is False:
        return failed(
            "owner_not_owner",
            "The login of REQTRAIL_MIGRATION_DATABASE_URL does not own the tables.",
            "Name the login that ran the migrations.",
        )
    return fine("The login for migrations and partitions owns the tables.")


CHECKS: Final = (
    Check("database", "PostgreSQL", _connects),
    Check("database.login", "Database login", _login, needs=("database",)),
    Check("database.owner", "Login for migrations", _owner, needs=("database",)),
)
