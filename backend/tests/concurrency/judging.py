"""What one commit may have changed, given what its author saw and sent, and what was there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.concurrency.edits import Operation, Write
from tests.concurrency.oracle import (
    Entity,
    State,
    item_fields,
    merged,
    scalar,
    siblings,
)


@dataclass(frozen=True)
class Step:
    """A write with the states around it.

    Attributes:
        seen: What its author saw.
        before: What the commit was made upon.
        after: What it left.
    """

    write: Write
    seen: State
    before: State
    after: State


def judge_edit(step: Step) -> Iterator[str]:
    """Yield what an edit did that it must not have done, or did not do."""
    explained: set[str] = set()
    created: dict[str, str] = {}
    for operation in step.write.operations:
        if operation["op"] == "create":
            yield from _created(step, operation, created, explained)
        elif operation["op"] == "delete":
            yield from _deleted(step, operation, explained)
        elif operation["op"] == "move":
            explained.add(operation["id"])
            yield from _moved(step, operation)
        else:
            explained.add(operation["id"])
            yield from _updated(step, operation)
    yield from _unexplained(step, explained)


def _unexplained(step: Step, explained: set[str]) -> Iterator[str]:
    for name in {*step.before, *step.after} - explained:
        if step.before.get(name) != step.after.get(name):
            word = "lost" if name in step.before else "invented"
            yield f"{word}: {name} became {step.after.get(name)}, which nobody asked for"


def _updated(step: Step, operation: Operation) -> Iterator[str]:
    name = operation["id"]
    seen, before, after = (one.get(name) for one in (step.seen, step.before, step.after))
    if seen is None or before is None or after is None:
        yield f"lost: an edit of the item {name}, which is deleted, had to be refused"
        return
    ours = {**seen.attributes, **operation["fields"]["attributes"]}
    ours = {key: value for key, value in ours.items() if value is not None}
    yield from item_fields(seen, ours, before, after)


def _moved(step: Step, operation: Operation) -> Iterator[str]:
    name, place = operation["id"], operation["position"]
    seen, before, after = (one.get(name) for one in (step.seen, step.before, step.after))
    if seen is None or before is None or after is None:
        yield f"lost: a move of the placement {name}, which is deleted, had to be refused"
        return
    if before.position != seen.position and after.position != before.position:
        yield f"lost: a move of {name} hid another move, which its author had not seen"
    yield from _stands(step, name, place)


def _stands(step: Step, name: str, place: Mapping[str, Any]) -> Iterator[str]:
    after = step.after[name]
    if after.position[:2] != (place["document_id"], place["parent_id"]):
        yield f"lost: {name} does not stand below {place['parent_id']}"
        return
    order = siblings(step.after, name)
    at = order.index(name)
    if place.get("first"):
        right = at == 0
    elif "after" in place:
        # Where two of the same rank were put by two branches, there is no room between them.
        start = order.index(place["after"]) if place["after"] in order else at
        ranks = {step.after[one].content["rank"] for one in order[start:at]}
        right = start < at and len(ranks) == 1
    else:
        right = at == len(order) - 1
    if not right:
        yield f"lost: {name} does not stand where it was put: {place}, among {order}"


def _created(
    step: Step, operation: Operation, created: dict[str, str], explained: set[str]
) -> Iterator[str]:
    kind = operation["kind"]
    name = operation.get("id")
    if name is None:
        new = [
            one
            for one, entity in step.after.items()
            if one not in step.before and entity.kind == kind
        ]
        if len(new) != 1:
            yield f"{'lost' if not new else 'doubled'}: {len(new)} new {kind}s instead of one"
            return
        name = new[0]
    explained.add(name)
    created[kind] = name
    entity = step.after.get(name)
    if entity is None or name in step.before:
        yield f"lost: the new {kind} {name} is not there, or was there before"
    elif kind == "item":
        yield from item_fields(None, operation["fields"]["attributes"], None, entity)
    else:
        if entity.content["item_id"] != created["item"]:
            yield f"lost: {name} does not place the new item"
        yield from _stands(step, name, operation["position"])


def _deleted(step: Step, operation: Operation, explained: set[str]) -> Iterator[str]:
    """What a deletion takes with it, its author has seen as it was."""
    for name in _doomed(step, operation):
        explained.add(name)
        if name in step.after:
            yield f"lost: the deletion of {name} left it there"
        if name in step.before and step.seen.get(name) != step.before[name]:
            yield f"lost: {name} was deleted by somebody who had not seen it as it was"


def _doomed(step: Step, operation: Operation) -> set[str]:
    root = operation["id"]
    placements = {name: one.content for name, one in step.before.items() if one.kind == "placement"}
    if operation["kind"] == "item":
        return {root, *(name for name, one in placements.items() if one["item_id"] == root)}
    doomed = {root}
    while below := {
        name
        for name, one in placements.items()
        if one["parent_id"] in doomed and name not in doomed
    }:
        doomed |= below
    if operation["items"]:
        doomed |= {placements[name]["item_id"] for name in doomed if name in placements}
    return doomed


# --- merges of branches -----------------------------------------------------------------------------------------------


def judge_merge(
    chosen: Mapping[tuple[str, str, str | None], str],
    base: State,
    ours: State,
    theirs: State,
    after: State,
) -> Iterator[str]:
    """Yield what is wrong with *after* as the merge of *ours* and *theirs*, but for what was *chosen*."""
    for name in sorted({*base, *ours, *theirs, *after}):
        sides = {
            side: state.get(name)
            for side, state in (("base", base), ("ours", ours), ("theirs", theirs))
        }
        yield from _merged_entity(name, sides, after.get(name), chosen)


def _merged_entity(
    name: str,
    sides: Mapping[str, Entity | None],
    got: Entity | None,
    chosen: Mapping[tuple[str, str, str | None], str],
) -> Iterator[str]:
    base, ours, theirs = sides["base"], sides["ours"], sides["theirs"]
    existence = chosen.get((name, "existence", None))
    if existence is not None:
        base = ours = theirs = sides[existence]
    elif ours is None or theirs is None:
        # One side deleted it, made it, or has never had it.
        yield from scalar(name, base, ours, theirs, got) if not _has_choice(name, chosen) else ()
        return
    if ours is None or theirs is None or got is None:
        if (got is None) != (ours is None):
            yield f"lost: {name} is {got}, against the choice that was made"
        return
    for field, key, values in _fields(base, ours, theirs, got):
        side = chosen.get((name, field, key))
        if side is not None and sides[side] is not None:
            wanted = _value(sides[side], field, key)
            if wanted != values[3]:
                yield f"lost: {name} {field} {key}: {values[3]!r}, though {wanted!r} was chosen"
        else:
            yield from merged(f"{name} {field} {key}", *values)


def _has_choice(name: str, chosen: Mapping[tuple[str, str, str | None], str]) -> bool:
    return any(place[0] == name for place in chosen)


def _fields(
    base: Entity | None, ours: Entity, theirs: Entity, got: Entity
) -> Iterator[tuple[str, str | None, tuple[Any, Any, Any, Any]]]:
    """Yield each field of an entity with its value on all sides."""
    if ours.kind == "placement":
        at_base = base.position if base else None
        yield "position", None, (at_base, ours.position, theirs.position, got.position)
        return
    keys = {key for one in (base, ours, theirs, got) if one for key in one.attributes}
    for key in sorted(keys):
        value = partial(_value, field="attributes", key=key)
        yield "attributes", key, (value(base), value(ours), value(theirs), value(got))


def _value(entity: Entity | None, field: str, key: str | None) -> Any:
    if entity is None:
        return None
    return entity.position if field == "position" else entity.attributes.get(str(key))
