"""What a file says of one entity against what the project says: the change to make, if any.

An import is a three-way merge: the base is what the last import (or, for a file that this project was exported to, that
export) said, the file is one side, the project's head the other. Where both changed the same thing the file stands and
the change of the project, which its history keeps, is named in the report.

``extra["f"]`` keeps what the file said where a merge decided otherwise, so that the next import has the right base.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reqtrail.features.exchange.reqif.names import DEFAULTS
from reqtrail.features.versioning.public import Content, Kind, merge_contents, patched

FILE_SAID = "f"
_SAYS_NOTHING = frozenset(DEFAULTS.values())
"""Limits that an export writes because the schema wants some."""
_OF_PLACE = ("p", "n")
"""Parts of ``extra`` that say where a thing stands in its file; an import does not change them."""


@dataclass(frozen=True)
class Merged:
    """What an entity becomes.

    Attributes:
        fields: What changes, as an UPDATE takes it; empty when nothing does.
        overwritten: Whether a change of the project gave way to the file's.
    """

    fields: dict[str, Any]
    overwritten: bool = False


def merge_incoming(
    kind: Kind,
    file: Content,
    current: Content,
    base: Content | None,
    last_change: str | None,
    *,
    keeps_place: bool,
) -> Merged:
    """Return what an entity becomes.

    Args:
        file: What the file says.
        base: What the project held after the last import; None when it was never imported.
        last_change: LAST-CHANGE as an export would write it now.
        keeps_place: Whether the entity belongs to another file, or was made in the product: then nothing of how
            this file wrote it is kept.
    """
    file = _with_unsaid(file, current)
    wanted, overwritten = _merge(kind, file, current, base)
    fields = changes(kind, {**current, "extra": None}, {**wanted, "extra": None})
    if not keeps_place and file["extra"] is not None:
        old = {key: value for key, value in (current["extra"] or {}).items() if key != FILE_SAID}
        new = _extra(file["extra"], old, last_change)
        said = changes(kind, {**wanted, "extra": None}, {**file, "extra": None})
        if fields or new != old:
            fields["extra"] = {**new, FILE_SAID: said} if said and base is not None else new
    return Merged(fields, overwritten)


def _with_unsaid(file: Content, current: Content) -> Content:
    """Return what the file says, with what ReqIF has no words for as it is."""
    content = dict(file)
    for name in ("presentation", "archived"):
        if name in content:
            content[name] = current[name]
    if "constraints" in content:
        content["constraints"] = {
            name: value
            for name, value in content["constraints"].items()
            if name in current["constraints"] or value not in _SAYS_NOTHING
        }
    if "enum_values" in content:
        known = {value["id"]: value for value in current["enum_values"]}
        content["enum_values"] = [
            _value(value, known.get(value["id"])) for value in content["enum_values"]
        ]
    return content


def _value(value: dict[str, Any], known: Mapping[str, Any] | None) -> dict[str, Any]:
    if known is None:
        return value
    extra = value["extra"] if known["extra"] is not None else None
    return {**value, "color": known["color"], "extra": extra}


def _merge(
    kind: Kind, file: Content, current: Content, base: Content | None
) -> tuple[Content, bool]:
    if base is None:
        return file, False
    said = patched(kind, base, (base["extra"] or {}).get(FILE_SAID) or {})
    sides = [{**side, "extra": None} for side in (said, file, current)]
    if sides[0] == sides[2]:
        return file, False
    merged, conflicts = merge_contents(kind, *sides)
    for conflict in conflicts:
        if conflict.key is None:
            merged[conflict.field] = conflict.ours
        elif conflict.ours is None:
            merged[conflict.field].pop(conflict.key, None)
        else:
            merged[conflict.field] = {**merged[conflict.field], conflict.key: conflict.ours}
    return merged, bool(conflicts)


def changes(kind: Kind, before: Content, after: Content) -> dict[str, Any]:
    """Return the update that turns *before* into *after*: of a map the keys that differ, None for those to remove."""
    fields: dict[str, Any] = {}
    for name in kind.field_names:
        old, new = before[name], after[name]
        if old == new:
            continue
        if name == "attributes":
            changed = {key: value for key, value in new.items() if old.get(key) != value}
            fields[name] = {**changed, **{key: None for key in old if key not in new}}
        else:
            fields[name] = new
    return fields


def _extra(
    file: Mapping[str, Any], old: Mapping[str, Any], last_change: str | None
) -> dict[str, Any]:
    """Return what is kept of how the file wrote a thing; LAST-CHANGE alone, if it is our own, is no change."""
    new = {**file, **{name: old[name] for name in _OF_PLACE if name in old}}
    without = {key: value for key, value in old.items() if key != "a"}
    if "a" in old and without == {key: value for key, value in new.items() if key != "a"}:
        attributes = {**new["a"], "LAST-CHANGE": old["a"].get("LAST-CHANGE")}
        if attributes == old["a"] and new["a"].get("LAST-CHANGE") == last_change:
            return dict(old)
    return new
