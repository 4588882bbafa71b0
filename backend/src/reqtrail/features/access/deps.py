"""Resolving and authorising the project of a request.

A route takes one of the aliases below as a parameter; that also declares its permission. The path parameter must be
called ``project``. Readers work in a ReadSession, editors and owners in the WriteSession that the route uses too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import structlog
from fastapi import Depends, Path, Request

from reqtrail.features.access import service
from reqtrail.features.access.types import Permission, ProjectContext
from reqtrail.features.identity.public import (
    ApiCredential,
    FileCredential,
    begin_idempotent,
    bind_actor,
)
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.permissions import declares

ProjectKey = Annotated[str, Path(description="The project's key, such as BRK.", max_length=100)]
Resolve = Callable[..., Awaitable[ProjectContext]]


def _bind(request: Request, project: ProjectContext) -> ProjectContext:
    bind_actor(request, project.actor)
    structlog.contextvars.bind_contextvars(project=project.key)
    return project


def require(permission: Permission) -> Resolve:
    """Return a dependency that resolves the project and asks for *permission*, in the route's write transaction."""

    @declares(permission.value)
    async def resolve(
        request: Request, project: ProjectKey, credential: ApiCredential, session: WriteSession
    ) -> ProjectContext:
        found = await service.authorise(session, credential, project, permission)
        await begin_idempotent(request, session, found.actor)
        return _bind(request, found)

    return resolve


@declares(Permission.PROJECT_READ.value)
async def project_reader(
    request: Request, project: ProjectKey, credential: ApiCredential, session: ReadSession
) -> ProjectContext:
    """Resolve a project that the actor may read."""
    return _bind(
        request, await service.authorise(session, credential, project, Permission.PROJECT_READ)
    )


@declares(Permission.PROJECT_READ.value)
async def project_file_reader(
    request: Request, project: ProjectKey, credential: FileCredential, session: ReadSession
) -> ProjectContext:
    """Resolve a project that the actor may read; the cookie for files is good too. For the file route alone."""
    return _bind(
        request, await service.authorise(session, credential, project, Permission.PROJECT_READ)
    )


ProjectReader = Annotated[ProjectContext, Depends(project_reader)]
ProjectFileReader = Annotated[ProjectContext, Depends(project_file_reader)]
ProjectEditor = Annotated[ProjectContext, Depends(require(Permission.PROJECT_WRITE))]
ProjectOwner = Annotated[ProjectContext, Depends(require(Permission.PROJECT_ADMIN))]
