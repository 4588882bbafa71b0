"""What must come of an edit that meets others: decided by words, apart from the product's own merge.

Every word that anybody writes is new, and nobody moves one. So a text is a set of words, and what a merge must hold
follows from who had seen what: a word stays if both sides have it, or if one has it and the other never saw it. What
one side saw and took out is gone. The same goes for the members of an enumeration; of a value that cannot be mixed, and
of a place in the tree, one side's stands if the other left it alone. Anything else must have been refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.concurrency.content import words

Content = Mapping[str, Any]
POSITION = ("document_id", "parent_id", "rank")


@dataclass(frozen=True)
class Entity:
    """An item or a placement that exists."""

    kind: str
    content: Content

    @property
    def position(self) -> tuple[Any, ...]:
        """Where a placement stands."""
        return tuple(self.content[name] for name in POSITION)

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The values of an item."""
        return self.content.get("attributes") or {}


State = Mapping[str, Entity]


def merged(name: str, base: Any, ours: Any, theirs: Any, got: Any) -> Iterator[str]:
    """Yield what is wrong with *got* as the merge of one value; a lost or refusable edit is called lost."""
    sides = (base, ours, theirs, got)
    if all(one is None or isinstance(one, list) for one in sides):
        yield from _members(name, *(one or [] for one in sides))
    elif any(isinstance(one, str) and " " in one for one in sides):
        yield from _members(name, *(words(one) for one in sides))
        for side, value in (("ours", ours), ("theirs", theirs)):
            yield from _order(name, side, words(value), words(got))
    else:
        yield from scalar(name, base, ours, theirs, got)


def scalar(name: str, base: Any, ours: Any, theirs: Any, got: Any) -> Iterator[str]:
    """Yield what is wrong with *got* as the merge of a value of which one side's has to stand."""
    if ours == theirs or theirs == base:
        wanted = ours
    elif ours == base:
        wanted = theirs
    else:
        yield f"lost: {name}: {ours!r} against {theirs!r} had to be refused, and became {got!r}"
        return
    if got != wanted:
        yield f"lost: {name}: {got!r} instead of {wanted!r}"


def _members(
    name: str, base: Sequence[str], ours: Sequence[str], theirs: Sequence[str], got: Sequence[str]
) -> Iterator[str]:
    wanted = {one for one in ours if one in theirs or one not in base}
    wanted |= {one for one in theirs if one not in base}
    if missing := wanted - set(got):
        yield f"lost: {name}: {sorted(missing)} vanished; nobody who had seen them took them out"
    if extra := set(got) - wanted:
        yield f"resurrected: {name}: {sorted(extra)} was taken out, or is nobody's"
    if len(got) != len(set(got)):
        yield f"doubled: {name}: {got}"


def _order(name: str, side: str, before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    common = set(before) & set(after)
    if [one for one in before if one in common] != [one for one in after if one in common]:
        yield f"disordered: {name}: {list(after)} does not keep the order of {side}, {list(before)}"


def item_fields(
    base: Entity | None, ours: Content, theirs: Entity | None, got: Entity
) -> Iterator[str]:
    """Yield what is wrong with the values of an item, merged attribute by attribute."""
    at_base = base.attributes if base else {}
    at_theirs = theirs.attributes if theirs else {}
    for name in sorted({*at_base, *ours, *at_theirs, *got.attributes}):
        sides = (at_base.get(name), ours.get(name), at_theirs.get(name))
        yield from merged(name, *sides, got.attributes.get(name))


def siblings(state: State, placement: str) -> list[str]:
    """Return the placements beside *placement*, itself among them, in order."""
    place = state[placement].position[:2]
    beside = [
        (one.content["rank"], name)
        for name, one in state.items()
        if one.kind == "placement" and one.position[:2] == place
    ]
    return [name for _, name in sorted(beside)]
