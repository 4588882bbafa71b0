"""Migrations: run to the head under an advisory lock, with short lock timeouts, by whoever comes first."""

from __future__ import annotations

import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, make_url, text

from reqtrail.platform.resources import data_folder


def migrations_dir() -> Path:
    """Return the folder of the migrations: ``REQTRAIL_MIGRATIONS``, or that of the package or the clone."""
    return Path(os.environ.get("REQTRAIL_MIGRATIONS") or data_folder("migrations"))


def sync_url(url: str) -> str:
    """Return *url* for the synchronous driver (psycopg), whatever driver it names.

    Of several hosts the driver is to take the one that takes writes.
    """
    made = make_url("postgresql+psycopg://" + url.partition("://")[2])
    if isinstance(made.query.get("host"), tuple):
        made = made.update_query_dict({"target_session_attrs": "read-write"})
    return made.render_as_string(hide_password=False)


def alembic_config(url: str) -> Config:
    """Return the Alembic configuration for the database at *url*; no ini file is needed."""
    config = Config()
    config.set_main_option("script_location", str(migrations_dir()))
    config.set_main_option("sqlalchemy.url", sync_url(url).replace("%", "%%"))
    return config


def upgrade_to_head(url: str) -> None:
    """Bring the database at *url* to the newest schema.

    Raises:
        sqlalchemy.exc.OperationalError: If the database cannot be reached or a lock is not had in time.
    """
    command.upgrade(alembic_config(url), "head")


def is_bound_by_policies(url: str, role: str | None) -> bool:
    """Return whether row-level security binds the application with the login of *url*, once it became *role*.

    Raises:
        sqlalchemy.exc.OperationalError: If it cannot connect, or may not become *role*.
    """
    options = {"options": f"-c role={role}"} if role is not None else {}
    engine = create_engine(sync_url(url), connect_args=options)
    try:
        with engine.connect() as connection:
            found = connection.scalar(text("SELECT row_security_active('projects')"))
            return bool(found)
    finally:
        engine.dispose()


def head_revision() -> str | None:
    """Return the revision that this build of Reqtrail expects."""
    return ScriptDirectory.from_config(alembic_config("postgresql://")).get_current_head()


def is_known_revision(revision: str) -> bool:
    """Return whether this build of Reqtrail has the migration *revision*; a newer one may have made the schema."""
    script = ScriptDirectory.from_config(alembic_config("postgresql://"))
    return any(known.revision == revision for known in script.walk_revisions())


def current_revision(url: str) -> str | None:
    """Return the revision that the database at *url* is at, or None when it is empty."""
    engine = create_engine(sync_url(url))
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
