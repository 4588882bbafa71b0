"""Refusing to write what the one who writes may not read, before anything of it is looked at or shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import ReadingRestricted, withheld_in
from reqtrail.features.versioning import repository
from reqtrail.features.versioning.registry import get_kind
from reqtrail.features.versioning.types import Action, Operation, Snapshot


async def refuse_unseen(
    session: AsyncSession, head: Snapshot, operations: Sequence[Operation]
) -> None:
    """Refuse *operations* upon *head* on anything that *session* withholds.

    It comes before a conflict is looked for, since a conflict shows what others wrote.

    Raises:
        ReadingRestricted: If one is on an entity, or on the values of an attribute, that is withheld.
    """
    withheld = withheld_in(session)
    if not withheld:
        return
    wanted: dict[str, set[UUID]] = defaultdict(set)
    for item in operations:
        kind = get_kind(item.kind)
        for name in kind.maps & item.fields.keys():
            if not withheld.attribute_keys.isdisjoint(item.fields[name] or ()):
                raise ReadingRestricted("The values of this attribute may not be read by you.")
        if item.action is not Action.CREATE:
            wanted[item.kind].add(item.entity_id)
    seen = replace(head, withheld=withheld)
    for kind_name, ids in wanted.items():
        kind = get_kind(kind_name)
        there = await repository.states_at(session, kind, head, ids)
        if there.keys() - (await repository.states_at(session, kind, seen, ids)).keys():
            raise ReadingRestricted(
                "The change would reach something in this project that you may not read. Ask an owner to make it."
            )
