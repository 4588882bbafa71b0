"""The one SQLAlchemy metadata, with constraint names that every migration can rely on.

Each table says in ``info["scope"]`` what it is, after the rules that keep the schema distributable by project:

* ``tenant``: project data; ``project_id`` leads the primary key, every unique constraint and every foreign key;
* ``reference``: small, global, rarely written (users, projects, roles), copied to every node;
* ``catalog``: global book-keeping that no project row points at (sessions, tokens).

``info["wall"]`` says what the application's role may do with the rows; see ``reqtrail.platform.database.walls``.
``info["access"]`` says whose access the rows decide, if any; see ``reqtrail.platform.database.access``.
"""

from __future__ import annotations

from typing import Literal

from sqlalchemy import MetaData

Scope = Literal["tenant", "reference", "catalog"]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

views = MetaData()
"""Views, which migrations make by hand; the application reads them."""
