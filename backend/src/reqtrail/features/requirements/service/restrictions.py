"""Restrictions of reading with the names of what they are about."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import (
    ReadRestriction,
    RestrictionRead,
    Role,
    lift_restriction,
    list_restrictions,
    put_restriction,
)
from reqtrail.features.requirements.errors import NotRestrictable
from reqtrail.features.versioning.public import Snapshot, entity, get_kind, resolve_ref, states_at

_NAMES = {"document": "title", "attribute": "name"}
"""By kind that can be restricted: the field that names it."""


async def list_named(session: AsyncSession, project_id: UUID) -> list[RestrictionRead]:
    """Return what of a project not every member may read, with names as the head of main has them."""
    found = await list_restrictions(session, project_id)
    head = await resolve_ref(session, project_id, None)
    return await _named(session, head, found)


async def put_named(
    session: AsyncSession,
    project_id: UUID,
    entity_id: UUID,
    roles: Collection[Role],
    group_ids: Collection[UUID],
) -> RestrictionRead:
    """Let only owners, *roles* and groups read a document, or the values of an attribute.

    Raises:
        EntityNotFound: If the project has no such thing.
        NotRestrictable: If it is neither a document nor an attribute.
        GroupNotFound: If a group has no role in the project.
    """
    kind, _ = await entity(session, project_id, entity_id)
    if kind.name not in _NAMES:
        raise NotRestrictable(
            f"A {kind.name} cannot be restricted by itself. Restrict the document that it stands in."
        )
    made = await put_restriction(session, project_id, entity_id, kind.name, roles, group_ids)
    head = await resolve_ref(session, project_id, None)
    return (await _named(session, head, [made]))[0]


async def lift(session: AsyncSession, project_id: UUID, entity_id: UUID) -> None:
    """Let every member read a thing again.

    Raises:
        RestrictionNotFound: If they may already.
    """
    await lift_restriction(session, project_id, entity_id)


async def _named(
    session: AsyncSession, head: Snapshot, found: Sequence[ReadRestriction]
) -> list[RestrictionRead]:
    names: dict[UUID, str] = {}
    for kind, field in _NAMES.items():
        ids = [item.entity_id for item in found if item.kind == kind]
        if ids:
            states = await states_at(session, get_kind(kind), head, ids)
            names |= {name: state.content[field] or "" for name, state in states.items()}
    return [RestrictionRead.of(item, names.get(item.entity_id, "")) for item in found]
