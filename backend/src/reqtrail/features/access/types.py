"""Roles, permissions, and what a request may know of its project."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from reqtrail.features.identity.public import Actor


class Permission(StrEnum):
    """What somebody may do in a project."""

    PROJECT_READ = "project_read"
    PROJECT_WRITE = "project_write"
    PROJECT_ADMIN = "project_admin"


class Role(StrEnum):
    """What a member is in a project; each may do what the ones below it may."""

    OWNER = "owner"
    EDITOR = "editor"
    VIEWER = "viewer"


PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.VIEWER: frozenset({Permission.PROJECT_READ}),
    Role.EDITOR: frozenset({Permission.PROJECT_READ, Permission.PROJECT_WRITE}),
    Role.OWNER: frozenset(Permission),
}


@dataclass(frozen=True)
class ProjectHead:
    """The newest commit of a project's main branch."""

    branch_id: UUID
    seq: int
    commit_hash: bytes
    recorded_at: datetime


@dataclass(frozen=True)
class ProjectContext:
    """The project of a request, seen and permitted, with the one who asks.

    Attributes:
        head: The newest commit as the query that authorised the request saw it. A read goes on in the same snapshot of
            the database and may rely on it; a write must take the head again under the project's lock.
    """

    project_id: UUID
    key: str
    name: str
    archived: bool
    role: Role
    actor: Actor
    head: ProjectHead | None = None


@dataclass(frozen=True)
class Member:
    """Somebody with a role in a project."""

    user_id: UUID
    email: str
    display_name: str
    role: Role
