"""The front door of access: roles, permissions, and the dependencies that every project route declares itself with."""

from __future__ import annotations

from reqtrail.features.access.deps import (
    BaselineMaker,
    BranchMaker,
    BranchMerger,
    DocumentReader,
    AuditReader,
    Exporter,
    FileReader,
    HistoryReader,
    HistoryRedactor,
    ImportReader,
    Importer,
    ItemWriter,
    MemberManager,
    MemberReader,
    ProjectReader,
    ProjectUpdater,
    reading,
    writing,
)
from reqtrail.features.access.errors import ProjectArchived, ProjectNotFound
from reqtrail.features.access.repository import visible_projects
from reqtrail.features.access.repository.entering import (
    as_administrator,
    as_member,
    show_projects,
)
from reqtrail.features.access.service import (
    accept_membership,
    demand,
    list_members,
    put_member,
    remove_member,
)
from reqtrail.features.access.types import (
    PERMISSIONS,
    GroupPermission,
    Member,
    Permission,
    ProjectContext,
    ProjectHead,
    Role,
    permissions_of,
)
from reqtrail.features.identity.public import Actor

__all__ = [
    "PERMISSIONS",
    "Actor",
    "BaselineMaker",
    "BranchMaker",
    "BranchMerger",
    "DocumentReader",
    "AuditReader",
    "Exporter",
    "FileReader",
    "GroupPermission",
    "HistoryReader",
    "HistoryRedactor",
    "ImportReader",
    "Importer",
    "ItemWriter",
    "Member",
    "MemberManager",
    "MemberReader",
    "Permission",
    "ProjectArchived",
    "ProjectContext",
    "ProjectHead",
    "ProjectNotFound",
    "ProjectReader",
    "ProjectUpdater",
    "Role",
    "accept_membership",
    "as_administrator",
    "as_member",
    "demand",
    "list_members",
    "permissions_of",
    "put_member",
    "reading",
    "remove_member",
    "show_projects",
    "visible_projects",
    "writing",
]
