"""The merge of the reference model, in the most obvious way: pure functions over whole states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

Content = dict[str, Any]
Place = tuple[UUID, str, str | None]
"""Where both sides of a merge disagree: entity, field, key within the attributes."""

POSITION = ("document_id", "parent_id", "rank")


class Refused(Exception):
    """The operation is refused and nothing changes.

    ``why`` is ``conflict``, ``missing``, ``structure``, ``closed``, ``children``, ``unmerged``, ``redacted``, ``shown``
    or ``nothing``.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Entity:
    """The state of one entity: equal if its content is, whichever commit wrote it.

    Attributes:
        written: The commit that wrote it; two states of an entity with the same one are the same revision.
        redacted: Whether an owner took its content away.
    """

    kind: str
    content: Content
    deleted: bool = False
    written: int = field(default=0, compare=False)
    redacted: bool = field(default=False, compare=False)


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


@dataclass
class Choices:
    """Which side was chosen where both disagree: ``base``, ``ours`` or ``theirs``."""

    sides: Mapping[Place, str] = field(default_factory=dict)

    def pick(self, place: Place, base: Any, ours: Any, theirs: Any, *, known: bool = True) -> Any:
        """Merge three values, or take the one that was chosen; without a known base every difference is to be."""
        side = self.sides.get(place)
        if side is not None:
            return {"base": base, "ours": ours, "theirs": theirs}[side]
        if not known and ours != theirs:
            raise Refused("conflict")
        return _pick(base, ours, theirs)


NO_CHOICES = Choices()


def merge(
    kind: str,
    base: Content,
    ours: Content,
    theirs: Content,
    entity_id: UUID = UUID(int=0),
    choices: Choices = NO_CHOICES,
    known: bool = True,
) -> Content:
    """Merge contents field by field; the attributes of an item key by key, the position of a placement as one.

    Args:
        known: Whether the base is: that of what was redacted is not.
    """
    merged: Content = {}
    if kind == "placement":
        places = [tuple(side.get(name) for name in POSITION) for side in (base, ours, theirs)]
        place = choices.pick((entity_id, "position", None), *places, known=known)
        merged.update(zip(POSITION, place, strict=True))
    for name in ours:
        if name in merged:
            continue
        if name == "attributes":
            maps = [side.get(name) or {} for side in (base, ours, theirs)]
            values = {
                key: choices.pick(
                    (entity_id, name, key), *(each.get(key) for each in maps), known=known
                )
                for key in {*maps[0], *maps[1], *maps[2]}
            }
            merged[name] = {key: value for key, value in values.items() if value is not None}
        else:
            sides = [side.get(name) for side in (base, ours, theirs)]
            merged[name] = choices.pick((entity_id, name, None), *sides, known=known)
    return merged


def patch(content: Content, fields: Mapping[str, Any]) -> Content:
    """Return *content* with *fields* set; attributes are patched by key and None removes one."""
    result = {**content, **fields}
    if "attributes" in fields:
        values = {**content["attributes"], **fields["attributes"]}
        result["attributes"] = {key: value for key, value in values.items() if value is not None}
    return result


def there(entity: Entity | None) -> Entity | None:
    return None if entity is None or entity.deleted else entity


def look_same(one: Entity | None, other: Entity | None) -> bool:
    """Return whether nobody sees a difference; what was redacted equals nothing but itself."""
    one, other = there(one), there(other)
    if one is None or other is None:
        return one is other
    if one.redacted or other.redacted:
        return one.written == other.written
    return one.content == other.content


def merge_entity(
    entity_id: UUID,
    base: Entity | None,
    ours: Entity | None,
    theirs: Entity | None,
    choices: Choices,
) -> Entity | None:
    """Merge three states of one entity."""
    known = theirs or ours or base
    assert known is not None
    exists = choices.sides.get((entity_id, "existence", None))
    if exists is not None:
        chosen = there({"base": base, "ours": ours, "theirs": theirs}[exists])
        if chosen is None:
            return replace(known, deleted=True)
        # A field can still be chosen, of a side that has it.
        content = dict(chosen.content)
        for place, side in choices.sides.items():
            source = there({"base": base, "ours": ours, "theirs": theirs}[side])
            if place[0] == entity_id and place[1] != "existence" and source is not None:
                _put(content, place, source.content)
        return replace(chosen, content=content)
    if look_same(ours, theirs):
        merged = theirs if ours is None else ours
    elif look_same(base, theirs):
        merged = ours
    elif look_same(base, ours):
        # What the other side never took over is taken away here: it was here, and it is known that it was.
        merged = theirs or (ours and replace(ours, deleted=True))
    else:
        at_base, at_ours, at_theirs = there(base), there(ours), there(theirs)
        if at_ours is None or at_theirs is None:
            raise Refused("conflict")
        content = merge(
            known.kind,
            at_base.content if at_base else {},
            at_ours.content,
            at_theirs.content,
            entity_id,
            choices,
            known=at_base is None or not at_base.redacted,
        )
        return Entity(known.kind, content)
    if there(merged) is None:
        return merged
    assert merged is not None
    content = dict(merged.content)
    for place, side in choices.sides.items():
        source = there({"base": base, "ours": ours, "theirs": theirs}[side])
        if place[0] == entity_id and source is not None:
            _put(content, place, source.content)
    return replace(merged, content=content)


def _put(content: Content, place: Place, source: Content) -> None:
    _, name, key = place
    if name == "position":
        content.update({one: source[one] for one in POSITION})
    elif key is not None:
        values = {**content[name], key: source[name].get(key)}
        content[name] = {one: value for one, value in values.items() if value is not None}
    else:
        content[name] = source[name]
