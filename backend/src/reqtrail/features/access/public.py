"""The front door of access: roles, permissions, and the dependencies that every project route declares itself with."""

from __future__ import annotations

from reqtrail.features.access.deps import (
    ProjectEditor,
    ProjectFileReader,
    ProjectOwner,
    ProjectReader,
    require,
)
from reqtrail.features.access.errors import ProjectArchived, ProjectNotFound
from reqtrail.features.access.repository import visible_projects
from reqtrail.features.access.service import list_members, put_member, remove_member
from reqtrail.features.access.types import (
    Member,
    Permission,
    ProjectContext,
    ProjectHead,
    Role,
)
from reqtrail.features.identity.public import Actor

__all__ = [
    "Actor",
    "Member",
    "Permission",
    "ProjectArchived",
    "ProjectContext",
    "ProjectEditor",
    "ProjectFileReader",
    "ProjectHead",
    "ProjectNotFound",
    "ProjectOwner",
    "ProjectReader",
    "Role",
    "list_members",
    "put_member",
    "remove_member",
    "require",
    "visible_projects",
]
