"""Roles, permissions, and what a request may know of its project."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from typing import Final
from uuid import UUID

from reqtrail.features.identity.public import Actor


class Permission(StrEnum):
    """What somebody may do in a project, named ``thing:verb``.

    A route declares one; the description of the API shows it. What one route decides by its input is asked for inside
    it, with :meth:`ProjectContext.may`.
    """

    AUDIT_READ = "audit:read"
    """Search, export and verify the record of who did what."""
    BASELINE_CREATE = "baseline:create"
    """Give a version a name for good."""
    BRANCH_CREATE = "branch:create"
    """Make, rename and close branches."""
    BRANCH_MERGE = "branch:merge"
    """Merge a branch to its parent, and update it from there."""
    BRANCH_PROTECT = "branch:protect"
    """Decide which branches are protected, and write to those."""
    DOCUMENT_READ = "document:read"
    """Read documents, items, links, files and the schema, at any version."""
    EXPORT_RUN = "export:run"
    """Take the content out as a file."""
    HISTORY_READ = "history:read"
    """Read commits, branches, baselines and comparisons, and recompute what proves them."""
    HISTORY_REDACT = "history:redact"
    """Remove past content for good; in an archived project too."""
    IMPORT_READ = "import:read"
    """Follow imports and read their reports."""
    IMPORT_RUN = "import:run"
    """Import files, and commit or cancel imports."""
    ITEM_WRITE = "item:write"
    """Write content: documents, items, links, files and the schema; undo and restore."""
    JOB_MANAGE = "job:manage"
    """Cancel and repeat the jobs of others."""
    JOB_RUN = "job:run"
    """Follow jobs, and cancel, repeat and fetch those that one asked for."""
    MEMBER_MANAGE = "member:manage"
    """Give roles to people and take them away."""
    MEMBER_READ = "member:read"
    """See who has which role."""
    PROJECT_ARCHIVE = "project:archive"
    """Archive the project and bring it back."""
    PROJECT_READ = "project:read"
    """Know of the project: its name, its key, its newest commit."""
    PROJECT_UPDATE = "project:update"
    """Rename and describe the project."""
    RESTRICTION_MANAGE = "restriction:manage"
    """Decide which documents and attributes not every member may read."""
    WEBHOOK_MANAGE = "webhook:manage"
    """Decide which addresses are told of each commit."""


class GroupPermission(StrEnum):
    """What somebody may do with a group: read as a member of it, manage as one who manages it or an administrator."""

    MANAGE = "group:manage"
    READ = "group:read"


class Role(StrEnum):
    """What a member is in a project, the highest first; each may do what the ones below it may."""

    OWNER = "owner"
    EDITOR = "editor"
    REVIEWER = "reviewer"
    COMMENTER = "commenter"
    VIEWER = "viewer"


_READING: Final = frozenset(
    {
        Permission.DOCUMENT_READ,
        Permission.EXPORT_RUN,
        Permission.HISTORY_READ,
        Permission.IMPORT_READ,
        Permission.JOB_RUN,
        Permission.MEMBER_READ,
        Permission.PROJECT_READ,
    }
)
_WRITING: Final = frozenset(
    {
        Permission.BASELINE_CREATE,
        Permission.BRANCH_CREATE,
        Permission.BRANCH_MERGE,
        Permission.IMPORT_RUN,
        Permission.ITEM_WRITE,
    }
)
PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.VIEWER: _READING,
    Role.COMMENTER: _READING,
    Role.REVIEWER: _READING,
    Role.EDITOR: _READING | _WRITING,
    Role.OWNER: frozenset(Permission),
}
"""What each role may do. An administrator of the instance is an owner of every project."""

CHANGES_CONTENT: Final = _WRITING
"""What an archived project refuses: it can be read, not changed."""


def permissions_of(actor: Actor, role: Role) -> frozenset[Permission]:
    """Return what *actor* may do as *role*: less, if they came with a token that is limited."""
    limit = actor.token.permissions if actor.token else None
    return PERMISSIONS[role] if limit is None else PERMISSIONS[role] & limit


@dataclass(frozen=True)
class ProjectHead:
    """The newest commit of a project's main branch."""

    branch_id: UUID
    seq: int
    commit_hash: bytes
    recorded_at: datetime
    redacted_seq: int = 0


@dataclass(frozen=True)
class Withheld:
    """What of a project somebody may not read. It is false for whoever may read everything.

    Attributes:
        documents: Documents: with their placements, and the items that stand in no other document, they are not there.
        attributes: Attributes, whose values are left out wherever they are.
    """

    documents: tuple[UUID, ...] = ()
    attributes: tuple[UUID, ...] = ()

    def __bool__(self) -> bool:
        """Return whether anything is withheld."""
        return bool(self.documents or self.attributes)

    @cached_property
    def mark(self) -> bytes:
        """What stands for this in keys of caches and in ETags; nothing for whoever may read everything.

        Those from whom the same is withheld see the same.
        """
        if not self:
            return b""
        parts = [
            b"".join(sorted(item.bytes for item in ids))
            for ids in (self.documents, self.attributes)
        ]
        return sha256(b"|".join(parts)).digest()[:16]

    @cached_property
    def attribute_keys(self) -> frozenset[str]:
        """The attributes as they are keys of an object of values."""
        return frozenset(str(item) for item in self.attributes)


NOTHING_WITHHELD: Final = Withheld()


@dataclass(frozen=True)
class ReadRestriction:
    """A document, or the values of an attribute, that not every member may read; owners always may.

    Attributes:
        kind: ``document`` or ``attribute``.
        roles: The roles that may read it, besides owners.
        groups: The groups whose members may read it: id and name. One that is gone is left out.
    """

    entity_id: UUID
    kind: str
    roles: tuple[Role, ...]
    groups: tuple[tuple[UUID, str], ...]


@dataclass(frozen=True)
class ProjectContext:
    """The project of a request, seen and permitted, with the one who asks.

    Attributes:
        head: The newest commit as the query that authorised the request saw it. A read goes on in the same snapshot of
            the database and may rely on it; a write must take the head again under the project's lock.
        withheld: What of the project the one who asks may not read.
    """

    project_id: UUID
    key: str
    name: str
    archived: bool
    role: Role
    actor: Actor
    head: ProjectHead | None = None
    withheld: Withheld = NOTHING_WITHHELD

    @property
    def permissions(self) -> frozenset[Permission]:
        """All that the one who asks may do here."""
        return permissions_of(self.actor, self.role)

    def may(self, permission: Permission) -> bool:
        """Return whether the one who asks has *permission* here."""
        return permission in self.permissions


@dataclass(frozen=True)
class Member:
    """Somebody with a role in a project.

    Attributes:
        role: What they are: the highest of their own role and those of their groups.
        direct_role: The role that was given to themselves, if any.
        groups: The names of the groups that give them a role.
    """

    user_id: UUID
    email: str
    display_name: str
    role: Role
    direct_role: Role | None
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Accounts that are given roles together.

    Attributes:
        member_count: How many accounts are in it.
        manages: Whether the one who asks decides who is in it.
    """

    group_id: UUID
    name: str
    description: str
    member_count: int
    manages: bool


@dataclass(frozen=True)
class GroupContext:
    """The group of a request, seen and permitted, with the one who asks."""

    actor: Actor
    group: Group


@dataclass(frozen=True)
class GroupMember:
    """Somebody in a group; ``manages`` says whether they decide who else is."""

    user_id: UUID
    email: str
    display_name: str
    manages: bool


@dataclass(frozen=True)
class GroupGrant:
    """The role of a group in a project."""

    group_id: UUID
    name: str
    role: Role
    member_count: int
