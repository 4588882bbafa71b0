"""API tokens: credentials that may do what their account may, or less."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access import repository
from reqtrail.features.access.errors import ProjectNotFound
from reqtrail.features.access.types import Permission
from reqtrail.features.identity.public import (
    Actor,
    ApiToken,
    end_of_token,
    make_api_token,
    revoke_token,
    tokens_of,
)
from reqtrail.kit.errors import NotFound
from reqtrail.platform.auditing import describe


async def list_tokens(
    session: AsyncSession, actor: Actor
) -> list[tuple[ApiToken, list[str] | None]]:
    """Return the live tokens of an account, each with the keys of the projects that it is limited to.

    A project that the account does not see any more is left out: the token is good for nothing there.
    """
    found = await tokens_of(session, actor)
    ids = {project for token in found for project in token.project_ids or ()}
    keys = await repository.find_projects(session, actor, ids=ids) if ids else {}
    return [
        (
            token,
            (
                None
                if token.project_ids is None
                else sorted(keys[project] for project in token.project_ids if project in keys)
            ),
        )
        for token in found
    ]


async def create_token(
    session: AsyncSession,
    actor: Actor,
    *,
    name: str,
    days: int | None,
    permissions: Sequence[Permission] | None,
    projects: Sequence[str] | None,
    max_days: int,
) -> tuple[UUID, str]:
    """Make a token of *actor*; return its id and its secret, which is shown this once.

    Args:
        permissions: What it may do in projects; None for all that the account may do anywhere.
        projects: The keys of those that it is good for; None for all that the account sees.

    Raises:
        ProjectNotFound: If one of *projects* is none that the actor sees.
        TokenLivesTooLong: If it was to live for longer than it may.
    """
    project_ids = None
    if projects is not None:
        found = await repository.find_projects(session, actor, keys=projects)
        missing = sorted(set(projects) - set(found.values()))
        if missing:
            raise ProjectNotFound(f"You see no project with the key {missing[0]}.")
        project_ids = list(found)
    return await make_api_token(
        session,
        actor.user_id,
        name,
        end_of_token(actor, days, max_days),
        permissions=permissions,
        project_ids=project_ids,
    )


async def end_token(session: AsyncSession, actor: Actor, token_id: UUID) -> None:
    """End a token of *actor*.

    Raises:
        NotFound: If they have no such token.
    """
    names = {token.token_id: token.name for token in await tokens_of(session, actor)}
    if not await revoke_token(session, actor, token_id):
        raise NotFound("You have no such token.")
    describe(session, subject=("token", token_id), old={"name": names.get(token_id, "")})
