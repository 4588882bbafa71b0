"""The three-way merge of contents: one pure function per field kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reqtrail.features.versioning.types import Content, Field, FieldKind, Kind
from reqtrail.kit.rich_merge import choose_markup, markup_pieces, merge_markup
from reqtrail.kit.text_merge import ChoicesInvalid, Piece, choose_text, merge_text, text_pieces

_ABSENT: Any = object()

POSITION = "position"
"""The name of the field that stands for all of a kind's :attr:`Kind.position` in a conflict."""

EXISTENCE = "existence"
"""The name of the field that says whether an entity is there at all."""


@dataclass(frozen=True)
class FieldConflict:
    """Both sides changed the same field differently. ``key`` is the key within a MAP field."""

    field: str
    key: str | None
    base: Any
    ours: Any
    theirs: Any


def patched(kind: Kind, content: Content, fields: Mapping[str, Any]) -> Content:
    """Return *content* with the *fields* of an update applied; a MAP is patched key by key, None removes a key."""
    result = dict(content)
    for item in kind.fields:
        if item.name not in fields:
            continue
        value = fields[item.name]
        if item.kind is FieldKind.MAP and isinstance(value, Mapping):
            merged = {**(content.get(item.name) or {}), **value}
            value = {key: entry for key, entry in merged.items() if entry is not None}
        result[item.name] = value
    return result


def merge_contents(
    kind: Kind, base: Content, ours: Content, theirs: Content
) -> tuple[Content, list[FieldConflict]]:
    """Merge field by field; return the merged content and the conflicts (whose fields keep *theirs*)."""
    merged: Content = {}
    conflicts: list[FieldConflict] = []
    if kind.position:
        place, found = _merge_position(kind, base, ours, theirs)
        merged.update(place)
        conflicts.extend(found)
    for item in kind.fields:
        if item.name in kind.position:
            continue
        sides = (base.get(item.name), ours.get(item.name), theirs.get(item.name))
        if item.kind is FieldKind.MAP and any(isinstance(side, Mapping) for side in sides):
            value: Any
            value, found = _merge_map(item, *(side or {} for side in sides))
            conflicts.extend(found)
        else:
            value = merge_values(item.kind, *sides)
            if value is _ABSENT:
                conflicts.append(FieldConflict(item.name, None, *sides))
                value = sides[2]
        merged[item.name] = value
    return merged, conflicts


def _merge_position(
    kind: Kind, base: Content, ours: Content, theirs: Content
) -> tuple[Content, list[FieldConflict]]:
    """Take the position of the side that moved: half of one and half of the other would be nobody's."""
    at_base, at_ours, at_theirs = (
        {name: side.get(name) for name in kind.position} for side in (base, ours, theirs)
    )
    if at_ours == at_theirs or at_theirs == at_base:
        return at_ours, []
    if at_ours == at_base:
        return at_theirs, []
    return at_theirs, [FieldConflict(POSITION, None, at_base, at_ours, at_theirs)]


def merge_values(kind: FieldKind, base: Any, ours: Any, theirs: Any) -> Any:
    """Merge one value; return a private marker when it is in conflict (see :func:`is_conflict`)."""
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    texts = isinstance(base, str) and isinstance(ours, str) and isinstance(theirs, str)
    merged: Any = None
    if kind is FieldKind.TEXT and texts:
        merged = merge_text(base, ours, theirs)
    elif kind is FieldKind.RICH_TEXT and texts:
        merged = merge_markup(base, ours, theirs)
    elif kind is FieldKind.SET:
        merged = _merge_set(base or [], ours or [], theirs or [])
    return _ABSENT if merged is None else merged


def word_pieces(
    kind: Kind, name: str, key: str | None, base: Any, ours: Any, theirs: Any
) -> list[Piece] | None:
    """Return the merge of a text in conflict piece by piece; None if it is no text that merges by word."""
    value_kind = _text_kind(kind, name, key, base, ours, theirs)
    if value_kind is FieldKind.TEXT:
        return text_pieces(base or "", ours, theirs)
    return None if value_kind is None else markup_pieces(base or "", ours, theirs)


def choose_words(
    kind: Kind,
    name: str,
    key: str | None,
    sides: tuple[Any, Any, Any],
    choices: Sequence[str],
) -> str:
    """Return the text that the *choices* make, one for each piece of :func:`word_pieces` that is in conflict.

    Args:
        sides: The values of base, ours and theirs.

    Raises:
        ChoicesInvalid: If the value is no text that merges by word, or the choices do not fit its pieces.
    """
    base, ours, theirs = sides
    value_kind = _text_kind(kind, name, key, base, ours, theirs)
    if value_kind is FieldKind.TEXT:
        return choose_text(base or "", ours, theirs, choices)
    if value_kind is None or markup_pieces(base or "", ours, theirs) is None:
        raise ChoicesInvalid("This value does not merge by word: choose one side of it.")
    return choose_markup(base or "", ours, theirs, choices)


def _text_kind(
    kind: Kind, name: str, key: str | None, base: Any, ours: Any, theirs: Any
) -> FieldKind | None:
    """Return TEXT or RICH_TEXT for three texts that merge by word; the base may be absent."""
    if not isinstance(ours, str) or not isinstance(theirs, str):
        return None
    known = next((item for item in kind.fields if item.name == name), None)
    if known is None or not isinstance(base, str | None):
        return None
    value_kind = known.kind
    if key is not None:
        value_kind = known.value_kind(base, ours, theirs) if known.value_kind else FieldKind.SCALAR
    return value_kind if value_kind in (FieldKind.TEXT, FieldKind.RICH_TEXT) else None


def is_conflict(value: Any) -> bool:
    """Return whether *value* is :func:`merge_values`' marker of a conflict."""
    return value is _ABSENT


def _merge_set(base: list[Any], ours: list[Any], theirs: list[Any]) -> list[Any]:
    """Keep what no side removed in the base's order, then what either side added, sorted: sides are equal here."""
    kept = [value for value in base if value in ours and value in theirs]
    added = {value for value in [*ours, *theirs] if value not in base}
    return kept + sorted(added, key=str)


def _merge_map(
    item: Field, base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> tuple[dict[str, Any], list[FieldConflict]]:
    merged: dict[str, Any] = {}
    conflicts = []
    for key in _keys(theirs, ours, base):
        sides = (base.get(key), ours.get(key), theirs.get(key))
        value_kind = item.value_kind(*sides) if item.value_kind else FieldKind.SCALAR
        value = merge_values(value_kind, *sides)
        if value is _ABSENT:
            conflicts.append(FieldConflict(item.name, key, *sides))
            value = sides[2]
        if value is not None:
            merged[key] = value
    return merged, conflicts


def _keys(*maps: Mapping[str, Any]) -> Iterator[str]:
    yield from dict.fromkeys(key for mapping in maps for key in mapping)
