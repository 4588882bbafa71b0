"""Resolving and authorising the project of a request.

A route takes one of the aliases below as a parameter; that also declares its permission. The path parameter must be
called ``project``. What reads works in a ReadSession, what writes in the WriteSession that the route uses too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import Depends, Path, Request

from reqtrail.features.access import service
from reqtrail.features.access.service import groups
from reqtrail.features.access.types import (
    GroupContext,
    GroupPermission,
    Permission,
    ProjectContext,
)
from reqtrail.features.identity.public import (
    ApiCredential,
    FileCredential,
    begin_idempotent,
    bind_actor,
)
from reqtrail.platform.conditional import vary_by
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.permissions import declares

ProjectKey = Annotated[str, Path(description="The project's key, such as BRK.", max_length=100)]
Resolve = Callable[..., Awaitable[ProjectContext]]


def _bind(request: Request, project: ProjectContext) -> ProjectContext:
    bind_actor(request, project.actor)
    vary_by(request, project.withheld.mark)
    structlog.contextvars.bind_contextvars(project=project.key)
    return project


def reading(permission: Permission, *, whole: bool = True) -> Resolve:
    """Return a dependency that resolves the project and asks for *permission*, for a route that only reads.

    Args:
        whole: Whether the route is refused to those from whom something is withheld. One that is not must leave it out
            of all that it answers, which what is read at a ref does by itself.
    """

    @declares(permission.value, whole=whole)
    async def resolve(
        request: Request, project: ProjectKey, credential: ApiCredential, session: ReadSession
    ) -> ProjectContext:
        found = await service.authorise(session, credential, project, permission, whole=whole)
        return _bind(request, found)

    return resolve


def writing(permission: Permission, *, whole: bool = True, kept: bool = True) -> Resolve:
    """Return a dependency that resolves the project and asks for *permission*, in the route's write transaction.

    Args:
        whole: As for :func:`reading`.
        kept: Whether the answer is kept for a repetition with the same ``Idempotency-Key``; one with a secret is not.
    """

    @declares(permission.value, whole=whole)
    async def resolve(
        request: Request, project: ProjectKey, credential: ApiCredential, session: WriteSession
    ) -> ProjectContext:
        found = await service.authorise(session, credential, project, permission, whole=whole)
        if kept:
            await begin_idempotent(request, session, found.actor)
        return _bind(request, found)

    return resolve


@declares(Permission.DOCUMENT_READ.value, whole=False)
async def _file_reader(
    request: Request, project: ProjectKey, credential: FileCredential, session: ReadSession
) -> ProjectContext:
    """Resolve a project whose content the actor may read; the cookie for files is good too."""
    permission = Permission.DOCUMENT_READ
    found = await service.authorise(session, credential, project, permission, whole=False)
    return _bind(request, found)


@declares(GroupPermission.READ.value)
async def _group_reader(
    request: Request, group_id: UUID, credential: ApiCredential, session: ReadSession
) -> GroupContext:
    """Resolve a group that the actor is in."""
    actor, group = await groups.authorise_group(session, credential, group_id, manage=False)
    bind_actor(request, actor)
    return GroupContext(actor, group)


@declares(GroupPermission.MANAGE.value)
async def _group_manager(
    request: Request, group_id: UUID, credential: ApiCredential, session: WriteSession
) -> GroupContext:
    """Resolve a group that the actor manages, in the route's write transaction."""
    actor, group = await groups.authorise_group(session, credential, group_id, manage=True)
    await begin_idempotent(request, session, actor)
    bind_actor(request, actor)
    return GroupContext(actor, group)


GroupReader = Annotated[GroupContext, Depends(_group_reader)]
GroupManager = Annotated[GroupContext, Depends(_group_manager)]
ProjectReader = Annotated[ProjectContext, Depends(reading(Permission.PROJECT_READ, whole=False))]
AuditReader = Annotated[ProjectContext, Depends(reading(Permission.AUDIT_READ))]
ProjectUpdater = Annotated[ProjectContext, Depends(writing(Permission.PROJECT_UPDATE))]
MemberReader = Annotated[ProjectContext, Depends(reading(Permission.MEMBER_READ, whole=False))]
InvitationReader = Annotated[ProjectContext, Depends(reading(Permission.MEMBER_MANAGE))]
MemberManager = Annotated[ProjectContext, Depends(writing(Permission.MEMBER_MANAGE))]
RestrictionReader = Annotated[ProjectContext, Depends(reading(Permission.RESTRICTION_MANAGE))]
RestrictionManager = Annotated[ProjectContext, Depends(writing(Permission.RESTRICTION_MANAGE))]
WebhookReader = Annotated[ProjectContext, Depends(reading(Permission.WEBHOOK_MANAGE))]
WebhookManager = Annotated[ProjectContext, Depends(writing(Permission.WEBHOOK_MANAGE, kept=False))]
DocumentReader = Annotated[ProjectContext, Depends(reading(Permission.DOCUMENT_READ, whole=False))]
WholeDocumentReader = Annotated[ProjectContext, Depends(reading(Permission.DOCUMENT_READ))]
FileReader = Annotated[ProjectContext, Depends(_file_reader)]
"""For the route of files alone: a picture in a page cannot send a header."""
ItemWriter = Annotated[ProjectContext, Depends(writing(Permission.ITEM_WRITE, whole=False))]
WholeWriter = Annotated[ProjectContext, Depends(writing(Permission.ITEM_WRITE))]
HistoryReader = Annotated[ProjectContext, Depends(reading(Permission.HISTORY_READ, whole=False))]
WholeHistoryReader = Annotated[ProjectContext, Depends(reading(Permission.HISTORY_READ))]
HistoryRedactor = Annotated[ProjectContext, Depends(writing(Permission.HISTORY_REDACT))]
BranchMaker = Annotated[ProjectContext, Depends(writing(Permission.BRANCH_CREATE, whole=False))]
BranchMerger = Annotated[ProjectContext, Depends(writing(Permission.BRANCH_MERGE))]
BaselineMaker = Annotated[ProjectContext, Depends(writing(Permission.BASELINE_CREATE, whole=False))]
ImportReader = Annotated[ProjectContext, Depends(reading(Permission.IMPORT_READ))]
Importer = Annotated[ProjectContext, Depends(writing(Permission.IMPORT_RUN))]
JobReader = Annotated[ProjectContext, Depends(reading(Permission.JOB_RUN))]
JobRunner = Annotated[ProjectContext, Depends(writing(Permission.JOB_RUN))]
ExportAsker = Annotated[ProjectContext, Depends(writing(Permission.EXPORT_RUN))]
VerificationAsker = Annotated[ProjectContext, Depends(writing(Permission.HISTORY_READ))]
Exporter = Annotated[ProjectContext, Depends(reading(Permission.EXPORT_RUN))]
