"""The three-way merge of whole states: pure, over what the caller loaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from reqtrail.features.versioning.errors import ResolutionInvalid
from reqtrail.features.versioning.merge import (
    EXISTENCE,
    POSITION,
    FieldConflict,
    choose_words,
    merge_contents,
)
from reqtrail.features.versioning.service.history import same_look
from reqtrail.features.versioning.types import Content, FieldKind, Kind, State
from reqtrail.kit.text_merge import ChoicesInvalid

PRESENT, DELETED = "present", "deleted"
SIDES = ("base", "ours", "theirs")
WORDS, VALUE = "words", "value"
Place = tuple[str, UUID, str, str | None]
"""Where a conflict is: kind, entity, field, and the key within a field that is a map."""


@dataclass(frozen=True)
class Resolution:
    """What shall stand where both sides disagree.

    Attributes:
        choose: ``base``, ``ours`` or ``theirs``; ``words`` for a choice of each piece of a text; ``value`` for a value
            of one's own.
        words: ``base``, ``ours``, ``theirs`` or ``both`` for each piece of the text that is in conflict, in order.
        value: The value of one's own, as it is stored.
    """

    kind: str
    entity_id: UUID
    field: str
    key: str | None
    choose: str
    words: tuple[str, ...] = ()
    value: Any = None

    @property
    def place(self) -> Place:
        """What it resolves."""
        return self.kind, self.entity_id, self.field, self.key


@dataclass(frozen=True)
class Sides:
    """The three states of one entity; None where it never existed."""

    base: State | None
    ours: State | None
    theirs: State | None

    @property
    def key(self) -> str | None:
        """The human key."""
        return next((state.key for state in self._all if state is not None), None)

    @property
    def base_redacted(self) -> bool:
        """Whether nobody knows any more what both sides had in common."""
        return self.base is not None and self.base.redacted and not self.base.deleted

    @property
    def _all(self) -> tuple[State | None, State | None, State | None]:
        return self.ours, self.theirs, self.base

    def of(self, name: str) -> State | None:
        """Return the side called ``base``, ``ours`` or ``theirs``."""
        state: State | None = getattr(self, name)
        return state


def visible(state: State | None) -> Content | None:
    """Return the content of what is there; None for what is deleted or never was."""
    return None if state is None or state.deleted else state.content


def same(one: State | None, other: State | None) -> bool:
    """Return whether two states look the same."""
    return same_look(
        None if one is None or one.deleted else one,
        None if other is None or other.deleted else other,
    )


def merge_states(kind: Kind, sides: Sides) -> tuple[State | None, list[FieldConflict]]:
    """Merge three states; a conflict leaves *theirs*, and for an edit against a deletion what is there."""
    if same(sides.ours, sides.theirs) or same(sides.base, sides.theirs):
        return sides.ours, []
    if same(sides.base, sides.ours):
        return sides.theirs, []
    ours, theirs = visible(sides.ours), visible(sides.theirs)
    if ours is None or theirs is None:
        return sides.ours if theirs is None else sides.theirs, [existence(sides)]
    if sides.base_redacted:
        content, conflicts = theirs, list(_all_differences(kind, ours, theirs))
    else:
        content, conflicts = merge_contents(kind, visible(sides.base) or {}, ours, theirs)
    there = sides.theirs
    assert there is not None, "its content is visible"
    return replace(there, content=content), conflicts


def _all_differences(kind: Kind, ours: Content, theirs: Content) -> Iterator[FieldConflict]:
    """Yield every difference as a conflict: without a base, nobody knows which side changed it."""
    if kind.position:
        places = [{name: side.get(name) for name in kind.position} for side in (ours, theirs)]
        if places[0] != places[1]:
            yield FieldConflict(POSITION, None, None, *places)
    for name in kind.field_names:
        if name in kind.position or ours.get(name) == theirs.get(name):
            continue
        if name not in kind.maps:
            yield FieldConflict(name, None, None, ours.get(name), theirs.get(name))
            continue
        one, other = ours.get(name) or {}, theirs.get(name) or {}
        for key in dict.fromkeys((*other, *one)):
            if one.get(key) != other.get(key):
                yield FieldConflict(name, key, None, one.get(key), other.get(key))


def existence(sides: Sides) -> FieldConflict:
    """Return the conflict of whether an entity is there."""
    words = (PRESENT if visible(sides.of(name)) is not None else DELETED for name in SIDES)
    return FieldConflict(EXISTENCE, None, *words)


def disagreement(kind: Kind, sides: Sides, field: str) -> FieldConflict | None:
    """Return how the sides differ in *field*, if ours and theirs do: what another choice could change."""
    if field == EXISTENCE:
        conflict = existence(sides)
    else:
        values = [_value(kind, visible(sides.of(name)), field) for name in SIDES]
        conflict = FieldConflict(field, None, *values)
    return None if conflict.ours == conflict.theirs else conflict


def _value(kind: Kind, content: Content | None, field: str) -> Any:
    if content is None:
        return None
    if field == POSITION:
        return {name: content.get(name) for name in kind.position}
    return content.get(field)


def resolve(kind: Kind, merged: State | None, sides: Sides, resolution: Resolution) -> State | None:
    """Return *merged* with a resolution put in; of what is deleted, no field is left to be chosen.

    Raises:
        ResolutionInvalid: If the kind has no such field, or it cannot be resolved in this way.
    """
    if sides.base_redacted and resolution.choose in ("base", WORDS):
        raise ResolutionInvalid(
            "What both sides had in common was redacted: choose one of them, or write a value.",
            kind=kind.name,
            id=str(resolution.entity_id),
            field=resolution.field,
        )
    if resolution.field == EXISTENCE:
        return _exist(merged, sides, resolution)
    if merged is None or merged.deleted:
        return merged
    if resolution.choose == VALUE:
        value = resolution.value
    elif resolution.choose == WORDS:
        value = _worded(kind, sides, resolution)
    elif visible(sides.of(resolution.choose)) is None:
        return merged
    else:
        value = _side_value(kind, sides.of(resolution.choose), resolution)
    return replace(merged, content=_put(kind, merged.content, resolution, value))


def _side_value(kind: Kind, state: State | None, resolution: Resolution) -> Any:
    value = _value(kind, visible(state), resolution.field)
    return value if resolution.key is None else (value or {}).get(resolution.key)


def _worded(kind: Kind, sides: Sides, resolution: Resolution) -> str:
    base, ours, theirs = (_side_value(kind, sides.of(name), resolution) for name in SIDES)
    try:
        return choose_words(
            kind, resolution.field, resolution.key, (base, ours, theirs), resolution.words
        )
    except ChoicesInvalid as error:
        raise ResolutionInvalid(
            str(error), kind=kind.name, id=str(resolution.entity_id), field=resolution.field
        ) from None


def _exist(merged: State | None, sides: Sides, resolution: Resolution) -> State | None:
    if resolution.choose not in SIDES:
        raise ResolutionInvalid("Whether something is there is taken from one side: choose it.")
    chosen = sides.of(resolution.choose)
    if visible(chosen) is None:
        known = merged or sides.ours or sides.theirs or sides.base
        return None if known is None else replace(known, deleted=True)
    return chosen


def _put(kind: Kind, content: Content, resolution: Resolution, value: Any) -> Content:
    field, key = resolution.field, resolution.key
    if field == POSITION:
        if resolution.choose not in SIDES:
            raise ResolutionInvalid("A place is taken from one side: choose it.")
        return {**content, **value}
    known = next((item for item in kind.fields if item.name == field), None)
    if known is None:
        raise ResolutionInvalid(f"A {kind.name} has no field {field}.")
    if key is None:
        return {**content, field: value}
    if known.kind is not FieldKind.MAP:
        raise ResolutionInvalid(f"The field {field} has no keys.")
    values = {**(content.get(field) or {}), key: value}
    return {**content, field: {name: entry for name, entry in values.items() if entry is not None}}
