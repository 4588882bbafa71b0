"""The reference model of the version engine: plain dictionaries, copied whole for each commit.

It knows no database, no interval and no hash, and does everything in the most obvious way. Whatever the engine answers
must equal what this answers. It stands for items (attributes merged by key) and placements (fields as scalars).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

Content = dict[str, Any]


class Refused(Exception):
    """The operation is refused and nothing changes; ``why`` is ``conflict``, ``missing`` or ``structure``."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Entity:
    """The state of one entity."""

    kind: str
    content: Content
    deleted: bool = False


State = dict[UUID, Entity]


def _pick(base: Any, ours: Any, theirs: Any) -> Any:
    """Merge three scalars, absent ones being None."""
    if ours == theirs:
        return ours
    if ours == base:
        return theirs
    if theirs == base:
        return ours
    raise Refused("conflict")


POSITION = ("document_id", "parent_id", "rank")


def merge(kind: str, base: Content, ours: Content, theirs: Content) -> Content:
    """Merge contents field by field; the attributes of an item key by key, the position of a placement as one."""
    merged: Content = {}
    if kind == "placement":
        place = _pick(*(tuple(side[name] for name in POSITION) for side in (base, ours, theirs)))
        merged.update(zip(POSITION, place, strict=True))
    for name in base:
        if name in merged:
            continue
        if name == "attributes":
            keys = {*base[name], *ours[name], *theirs[name]}
            values = {
                key: _pick(base[name].get(key), ours[name].get(key), theirs[name].get(key))
                for key in keys
            }
            merged[name] = {key: value for key, value in values.items() if value is not None}
        else:
            merged[name] = _pick(base[name], ours[name], theirs[name])
    return merged


def patch(content: Content, fields: Mapping[str, Any]) -> Content:
    """Return *content* with *fields* set; attributes are patched by key and None removes one."""
    result = {**content, **fields}
    if "attributes" in fields:
        values = {**content["attributes"], **fields["attributes"]}
        result["attributes"] = {key: value for key, value in values.items() if value is not None}
    return result


class Model:
    """A project: ``states[n]`` is everything after commit ``n``; ``states[0]`` is nothing."""

    def __init__(self) -> None:
        self.states: list[State] = [{}, {}]

    @property
    def head(self) -> int:
        """The newest sequence."""
        return len(self.states) - 1

    def visible(self, seq: int) -> dict[UUID, Content]:
        """Return the contents of what exists at *seq*."""
        return {
            entity_id: entity.content
            for entity_id, entity in self.states[seq].items()
            if not entity.deleted
        }

    def create(self, kind: str, entity_id: UUID, content: Content) -> None:
        """Commit a new entity."""
        self._commit({entity_id: Entity(kind, content)})

    def update(self, entity_id: UUID, fields: Mapping[str, Any], base: int | None) -> None:
        """Commit a patch of what was seen at *base*, merged with what came since."""
        current = self.states[-1][entity_id]
        seen = self.states[base].get(entity_id) if base is not None else None
        if current.deleted:
            raise Refused("conflict")
        if seen is None or seen == current:
            content = patch(current.content, fields)
        else:
            ours = patch(seen.content, fields)
            content = merge(current.kind, seen.content, ours, current.content)
        self._commit({entity_id: Entity(current.kind, content)})

    def delete(self, entity_id: UUID, base: int | None) -> None:
        """Commit a deletion; refused if the entity changed since *base*."""
        current = self.states[-1][entity_id]
        seen = self.states[base].get(entity_id) if base is not None else None
        if not current.deleted and seen is not None and seen != current:
            raise Refused("conflict")
        self._commit({entity_id: Entity(current.kind, current.content, deleted=True)})

    def restore(self, entity_id: UUID, from_seq: int) -> None:
        """Commit the content that the entity had at *from_seq*."""
        source = self.states[from_seq].get(entity_id)
        if source is None:
            raise Refused("missing")
        self._commit({entity_id: Entity(source.kind, source.content)})

    def revert(self, seq: int) -> None:
        """Commit the inverse of commit *seq*: the merge of the head with what was before, based on what was after."""
        before, after, now = self.states[seq - 1], self.states[seq], self.states[-1]
        changes: State = {}
        for entity_id, entity in after.items():
            old = before.get(entity_id)
            gone = old is None or old.deleted
            if gone and entity.deleted:
                continue
            if old is not None and (old.deleted, old.content) == (entity.deleted, entity.content):
                continue
            wanted = entity if old is None else old
            changes[entity_id] = self._inverse(wanted, gone, entity, now[entity_id])
        self._commit(changes)

    def _inverse(self, wanted: Entity, gone: bool, base: Entity, current: Entity) -> Entity:
        if gone:
            if not current.deleted and current != base:
                raise Refused("conflict")
            return Entity(current.kind, current.content, deleted=True)
        if base.deleted:
            if not current.deleted and current.content != wanted.content:
                raise Refused("conflict")
            return wanted
        if current.deleted:
            raise Refused("conflict")
        content = merge(base.kind, base.content, wanted.content, current.content)
        return Entity(base.kind, content)

    def _commit(self, changes: State) -> None:
        coming = {**self.states[-1], **changes}
        effective = False
        for entity_id, entity in changes.items():
            old = self.states[-1].get(entity_id)
            if old is None:
                effective = effective or not entity.deleted
            elif old.deleted or entity.deleted:
                effective = effective or old.deleted != entity.deleted
            else:
                effective = effective or old.content != entity.content
        if not effective:
            return
        _check_structure(coming)
        self.states.append(coming)


def _check_structure(state: State) -> None:
    """Placements are a forest within their document and refer to what exists."""
    there = {entity_id: entity for entity_id, entity in state.items() if not entity.deleted}
    for entity_id, entity in there.items():
        if entity.kind != "placement":
            continue
        if entity.content["item_id"] not in there or entity.content["document_id"] not in there:
            raise Refused("structure")
        seen, parent = {entity_id}, entity.content["parent_id"]
        while parent is not None:
            if parent in seen or parent not in there:
                raise Refused("structure")
            if there[parent].content["document_id"] != entity.content["document_id"]:
                raise Refused("structure")
            seen.add(parent)
            parent = there[parent].content["parent_id"]
