"""Who may do what in which project."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY

from reqtrail.platform.database.access import Access
from reqtrail.platform.database.metadata import metadata, views
from reqtrail.platform.database.walls import (
    AMONG_GROUPS,
    OF_ACTOR,
    TO_ADMINISTRATORS,
    Policy,
    Wall,
)

memberships = Table(
    "memberships",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("project_id", "user_id"),
    ForeignKeyConstraint(["project_id"], ["projects.project_id"]),
    ForeignKeyConstraint(["user_id"], ["users.user_id"]),
    Index(None, "user_id"),
    info={
        "scope": "tenant",
        "wall": Wall(delete=True, update=("role",), also=(Policy("own", "SELECT", OF_ACTOR),)),
        "access": Access({"user_id": "account"}),
    },
)
"""``role``: a value of ``types.Role``."""

groups = Table(
    "groups",
    metadata,
    Column("group_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("group_id"),
    UniqueConstraint("name"),
    info={"scope": "reference", "wall": Wall(update=("name", "description"), delete=True)},
)
"""Accounts that are given roles together, in any number of projects."""

group_members = Table(
    "group_members",
    metadata,
    Column("group_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("manages", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("group_id", "user_id"),
    ForeignKeyConstraint(["group_id"], ["groups.group_id"]),
    ForeignKeyConstraint(["user_id"], ["users.user_id"]),
    Index(None, "user_id"),
    info={
        "scope": "reference",
        "wall": Wall(update=("manages",), delete=True),
        "access": Access({"user_id": "account"}),
    },
)
"""``manages``: whether the member also decides who is in the group."""

group_grants = Table(
    "group_grants",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("group_id", Uuid, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("project_id", "group_id"),
    ForeignKeyConstraint(["project_id"], ["projects.project_id"]),
    ForeignKeyConstraint(["group_id"], ["groups.group_id"]),
    Index(None, "group_id"),
    info={
        "scope": "tenant",
        "access": Access(),
        "wall": Wall(
            update=("role",),
            delete=True,
            also=(
                Policy("own", "SELECT", AMONG_GROUPS),
                Policy("administrators", "SELECT", TO_ADMINISTRATORS),
                # A group goes with all that it gave, in whichever project.
                Policy("administrators_remove", "DELETE", TO_ADMINISTRATORS),
            ),
        ),
    },
)
"""The role that everybody in a group has in a project."""

read_restrictions = Table(
    "read_restrictions",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("entity_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("group_ids", ARRAY(Uuid), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("project_id", "entity_id"),
    ForeignKeyConstraint(
        ["project_id", "entity_id"], ["entities.project_id", "entities.entity_id"]
    ),
    info={
        "scope": "tenant",
        "wall": Wall(update=("roles", "group_ids"), delete=True),
        "access": Access(),
    },
)
"""What of a project not every member may read: a ``document``, or the values of an ``attribute``.

Owners may read it, and who has one of ``roles`` or is in one of the groups. A group that is gone has no members.
"""

project_access = Table(
    "project_access",
    views,
    Column("project_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("role", Text, nullable=False),
)
"""Who is in which project, as what, and on whatever grounds: the one definition of it.

A view with one row an account and project: the highest of the role given to the account and those of its groups. It
has the rights of who asks: before a project is entered, an account finds what concerns itself and nothing else. The
visible-scope query reads it, and so does the wall, each by itself. Ask it for one account or one project, by a literal
or from a correlated subquery: as one side of a join it would be made for everybody.
"""
