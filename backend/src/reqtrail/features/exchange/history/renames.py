"""Which items of a commit have a new UID: those that it deletes and adds under another one.

Histories know items by their UID, so giving one another UID looks like a deletion and an addition. Where one deleted
and one added item, and no other, have the same title and text, or the same text, or the same title, they are one item.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from reqtrail.features.exchange.history.content import TEXT, TITLE
from reqtrail.features.exchange.history.lines import ADD, DELETE, Change, Line

SAME: Final = ((TITLE, TEXT), (TEXT,), (TITLE,))
"""By which fields an item is known again, the surest first."""


def find_renames(line: Line, states: Mapping[str, Change]) -> dict[str, str]:
    """Return the old UID of each added item of *line* that had another one before.

    Args:
        states: What the items were before the line, by UID.
    """
    gone = {change.uid: states[change.uid] for change in line.changes if change.op == DELETE}
    come = {change.uid: change for change in line.changes if change.op == ADD}
    found: dict[str, str] = {}
    for fields in SAME:
        old, new = _by(fields, gone), _by(fields, come)
        for key in old.keys() & new.keys():
            if len(old[key]) == len(new[key]) == 1:
                found[new[key][0]] = old[key][0]
                del gone[old[key][0]], come[new[key][0]]
    return found


def _by(fields: tuple[str, ...], states: Mapping[str, Change]) -> dict[tuple[str, ...], list[str]]:
    """Return the UIDs by the values of *fields*, of the items that have all of them."""
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for uid, state in states.items():
        values = [state.fields.get(name, "").strip() for name in fields]
        if all(values):
            found[(state.node, *values)].append(uid)
    return found
