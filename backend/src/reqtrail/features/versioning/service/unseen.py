"""Refusing to write what the one who writes may not read, before anything of it is looked at or shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import ReadingRestricted, withheld_in
from reqtrail.features.versioning import repository
from reqtrail.features.versioning.registry import get_kind
from reqtrail.features.versioning.service.staging import Reference
from reqtrail.features.versioning.types import Action, Operation, Snapshot, State
from reqtrail.features.versioning.withholding import without_values


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
        if item.entity_id in withheld.attributes:
            raise ReadingRestricted(
                "The values of this attribute may not be read by you, so you cannot change it."
            )
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


async def seen_states(
    session: AsyncSession, snapshot: Snapshot, states: Mapping[Reference, State]
) -> dict[Reference, State]:
    """Return those of *states* at *snapshot* that *session* does not withhold, each whole.

    What nobody may change is the same on both sides of a merge, so no conflict shows the values that are withheld.
    """
    withheld = withheld_in(session)
    if not withheld:
        return dict(states)
    ids: dict[str, set[UUID]] = defaultdict(set)
    for kind, entity_id in states:
        ids[kind].add(entity_id)
    seen = replace(snapshot, withheld=withheld)
    there = {
        (name, entity_id)
        for name, wanted in ids.items()
        for entity_id in await repository.states_at(session, get_kind(name), seen, wanted)
    }
    return {reference: state for reference, state in states.items() if reference in there}


def with_kept_values(
    session: AsyncSession, kind_name: str, restored: State | None, current: State | None
) -> State | None:
    """Return the state to bring back with those values that *session* withholds as they are in the *current* one."""
    withheld = withheld_in(session)
    if restored is None or not withheld.attributes:
        return restored
    kind = get_kind(kind_name)
    content = without_values(kind, restored.content, withheld)
    kept = current.content if current else {}
    for name in kind.maps & content.keys():
        if isinstance(content[name], dict):
            now = kept.get(name) or {}
            values = {key: now[key] for key in withheld.attribute_keys if key in now}
            content = {**content, name: {**content[name], **values}}
    return replace(restored, content=content)
