"""The reference model of the version engine: plain dictionaries, copied whole for each commit.

It knows no database, no interval, no layer and no hash, and does everything in the most obvious way: every commit has
the whole state of its branch, a merge goes over everything. Whatever the engine answers must equal what this answers.
It stands for items (attributes merged by key) and placements (an item, and a position merged as one).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

Content = dict[str, Any]
Place = tuple[UUID, str, str | None]
"""Where both sides of a merge disagree: entity, field, key within the attributes."""

MAIN = "main"
POSITION = ("document_id", "parent_id", "rank")


class Refused(Exception):
    """The operation is refused and nothing changes.

    ``why`` is ``conflict``, ``missing``, ``structure``, ``closed``, ``children`` or ``unmerged``.
    """

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


@dataclass
class Branch:
    """A line of commits: their sequences, and the state that it had last in common with its parent."""

    name: str
    parent: str | None
    base_seq: int
    seqs: list[int]
    synced: State
    open: bool = True
    ahead: int = 0
    below: int = 0

    @property
    def head(self) -> int:
        """The sequence of its newest commit."""
        return self.seqs[-1]


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

    def pick(self, place: Place, base: Any, ours: Any, theirs: Any) -> Any:
        """Merge three values, or take the one that was chosen."""
        side = self.sides.get(place)
        if side is not None:
            return {"base": base, "ours": ours, "theirs": theirs}[side]
        return _pick(base, ours, theirs)


NO_CHOICES = Choices()


def merge(
    kind: str,
    base: Content,
    ours: Content,
    theirs: Content,
    entity_id: UUID = UUID(int=0),
    choices: Choices = NO_CHOICES,
) -> Content:
    """Merge contents field by field; the attributes of an item key by key, the position of a placement as one."""
    merged: Content = {}
    if kind == "placement":
        sides = [tuple(side.get(name) for name in POSITION) for side in (base, ours, theirs)]
        place = choices.pick((entity_id, "position", None), *sides)
        merged.update(zip(POSITION, place, strict=True))
    for name in ours:
        if name in merged:
            continue
        if name == "attributes":
            maps = [side.get(name) or {} for side in (base, ours, theirs)]
            values = {
                key: choices.pick((entity_id, name, key), *(each.get(key) for each in maps))
                for key in {*maps[0], *maps[1], *maps[2]}
            }
            merged[name] = {key: value for key, value in values.items() if value is not None}
        else:
            sides = [side.get(name) for side in (base, ours, theirs)]
            merged[name] = choices.pick((entity_id, name, None), *sides)
    return merged


def patch(content: Content, fields: Mapping[str, Any]) -> Content:
    """Return *content* with *fields* set; attributes are patched by key and None removes one."""
    result = {**content, **fields}
    if "attributes" in fields:
        values = {**content["attributes"], **fields["attributes"]}
        result["attributes"] = {key: value for key, value in values.items() if value is not None}
    return result


def _there(entity: Entity | None) -> Entity | None:
    return None if entity is None or entity.deleted else entity


def _look_same(one: Entity | None, other: Entity | None) -> bool:
    one, other = _there(one), _there(other)
    return (one and one.content) == (other and other.content)


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
        chosen = _there({"base": base, "ours": ours, "theirs": theirs}[exists])
        if chosen is None:
            return replace(known, deleted=True)
        # A field can still be chosen, of a side that has it.
        content = dict(chosen.content)
        for place, side in choices.sides.items():
            source = _there({"base": base, "ours": ours, "theirs": theirs}[side])
            if place[0] == entity_id and place[1] != "existence" and source is not None:
                _put(content, place, source.content)
        return replace(chosen, content=content)
    if _look_same(ours, theirs):
        merged = theirs if ours is None else ours
    elif _look_same(base, theirs):
        merged = ours
    elif _look_same(base, ours):
        merged = theirs
    else:
        at_base, at_ours, at_theirs = _there(base), _there(ours), _there(theirs)
        if at_ours is None or at_theirs is None:
            raise Refused("conflict")
        content = merge(
            known.kind,
            at_base.content if at_base else {},
            at_ours.content,
            at_theirs.content,
            entity_id,
            choices,
        )
        return Entity(known.kind, content)
    if _there(merged) is None:
        return merged
    assert merged is not None
    content = dict(merged.content)
    for place, side in choices.sides.items():
        source = _there({"base": base, "ours": ours, "theirs": theirs}[side])
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


class Model:
    """A project: ``states[n]`` is the whole state that commit ``n`` left on its branch; ``states[0]`` is nothing."""

    def __init__(self) -> None:
        self.states: list[State] = [{}, {}]
        self.owner: list[str] = ["", MAIN]
        self.branches = {MAIN: Branch(MAIN, None, 0, [1], {})}
        self.baselines: dict[str, int] = {}

    @property
    def head(self) -> int:
        """The newest sequence of the project."""
        return len(self.states) - 1

    def as_of(self, branch: str, seq: int) -> int:
        """Return the newest commit of a branch up to *seq*."""
        return max(one for one in self.branches[branch].seqs if one <= seq)

    def now(self, branch: str) -> State:
        """Return the state of the head of a branch."""
        return self.states[self.branches[branch].head]

    def visible(self, seq: int) -> dict[UUID, Content]:
        """Return the contents of what exists after commit *seq* on its branch."""
        return {
            entity_id: entity.content
            for entity_id, entity in self.states[seq].items()
            if not entity.deleted
        }

    def lineage(self, branch: str, up_to: int) -> list[int]:
        """Return the commits that led to a branch as of a sequence, through the commit that it was made from."""
        line = self.branches[branch]
        own = [seq for seq in line.seqs if seq <= up_to]
        if line.base_seq == 0:
            return own
        return [*self.lineage(self.owner[line.base_seq], line.base_seq), *own]

    # --- edits ----------------------------------------------------------------------------------------------------

    def create(self, kind: str, entity_id: UUID, content: Content, branch: str) -> None:
        """Commit a new entity."""
        self._open(branch)
        self._commit({entity_id: Entity(kind, content)}, branch)

    def update(
        self, entity_id: UUID, fields: Mapping[str, Any], base: int | None, branch: str
    ) -> None:
        """Commit a patch of what was seen at *base*, merged with what came since."""
        self._open(branch)
        current, seen = self._current(entity_id, base, branch)
        if current.deleted:
            raise Refused("conflict")
        if seen is None or seen == current:
            content = patch(current.content, fields)
        else:
            ours = patch(seen.content, fields)
            content = merge(current.kind, seen.content, ours, current.content)
        self._commit({entity_id: Entity(current.kind, content)}, branch)

    def delete(self, entity_id: UUID, base: int | None, branch: str) -> None:
        """Commit a deletion; refused if the entity changed since *base*."""
        self._open(branch)
        current, seen = self._current(entity_id, base, branch)
        if not current.deleted and seen is not None and not _look_same(seen, current):
            raise Refused("conflict")
        self._commit({entity_id: Entity(current.kind, current.content, deleted=True)}, branch)

    def restore(self, entity_id: UUID, from_seq: int, branch: str) -> None:
        """Commit the content that the entity had after commit *from_seq*."""
        self._open(branch)
        self._current(entity_id, None, branch)
        source = self.states[from_seq].get(entity_id)
        if source is None:
            raise Refused("missing")
        self._commit({entity_id: Entity(source.kind, source.content)}, branch)

    def _current(
        self, entity_id: UUID, base: int | None, branch: str
    ) -> tuple[Entity, Entity | None]:
        current = self.now(branch).get(entity_id)
        if current is None:
            raise Refused("missing")
        if base is None:
            return current, None
        return current, self.states[self.as_of(branch, base)].get(entity_id)

    def revert(self, seq: int) -> None:
        """Commit the inverse of commit *seq*: the merge of the head with what was before, based on what was after."""
        branch = self.owner[seq]
        line = self.branches[branch]
        place = line.seqs.index(seq)
        if place == 0:
            raise Refused("missing")
        self._open(branch)
        before, after, now = self.states[line.seqs[place - 1]], self.states[seq], self.now(branch)
        changes: State = {}
        for entity_id, entity in after.items():
            old = before.get(entity_id)
            gone = old is None or old.deleted
            if _look_same(old, entity):
                continue
            wanted = entity if old is None else old
            changes[entity_id] = self._inverse(wanted, gone, entity, now[entity_id])
        self._commit(changes, branch)

    def _inverse(self, wanted: Entity, gone: bool, base: Entity, current: Entity) -> Entity:
        if gone:
            if not current.deleted and not _look_same(current, base):
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

    # --- branches -------------------------------------------------------------------------------------------------

    def make_branch(self, name: str, from_seq: int) -> None:
        """Make a branch from a commit."""
        parent = self.owner[from_seq]
        self._open(parent)
        state = self.states[from_seq]
        self._append(state, name)
        self.branches[name] = Branch(name, parent, from_seq, [self.head], state, below=from_seq)

    def make_baseline(self, name: str, seq: int) -> None:
        """Name the state after a commit."""
        branch = self.owner[seq]
        self.baselines[name] = seq
        self._append(self.now(branch), branch)
        self.branches[branch].seqs.append(self.head)

    def synchronise(self, name: str, direction: str, choices: Choices) -> bool:
        """Update a branch from its parent or merge it there; return whether there was anything to do."""
        line = self.branches[name]
        assert line.parent is not None
        parent = self.branches[line.parent]
        self._open(name)
        ours, theirs = self.now(name), self.now(parent.name)
        if direction == "merge":
            if line.ahead == 0:
                return False
            ours, theirs = theirs, ours
        elif line.below == parent.head:
            return False
        merged: State = {}
        for entity_id in {*line.synced, *ours, *theirs}:
            sides = (side.get(entity_id) for side in (line.synced, ours, theirs))
            entity = merge_entity(entity_id, *sides, choices)
            unknown = entity_id not in ours and direction == "merge"
            if entity is not None and not (entity.deleted and unknown):
                merged[entity_id] = entity
        target = line if direction == "update" else parent
        _check_structure(merged)
        line.synced = theirs
        self._append(merged, target.name)
        if direction == "update":
            line.below = parent.head
        else:
            line.ahead = 0
            parent.ahead += 1
        target.seqs.append(self.head)
        return True

    def close(self, name: str, discard: bool) -> None:
        """Close a branch; the children of a merged one become its parent's."""
        line = self.branches[name]
        self._open(name)
        children = [one for one in self.branches.values() if one.parent == name and one.open]
        if discard and children:
            raise Refused("children")
        if not discard and line.ahead:
            raise Refused("unmerged")
        for child in children:
            child.parent = line.parent
            child.below = -1
        self._append(self.now(name), name)
        line.seqs.append(self.head)
        line.open = False

    def _open(self, branch: str) -> None:
        if not self.branches[branch].open:
            raise Refused("closed")

    def _append(self, state: State, branch: str) -> None:
        self.states.append(state)
        self.owner.append(branch)

    def _commit(self, changes: State, branch: str) -> None:
        now = self.now(branch)
        coming = {**now, **changes}
        effective = any(not _look_same(now.get(one), entity) for one, entity in changes.items())
        if not effective:
            return
        _check_structure(coming)
        self._append(coming, branch)
        line = self.branches[branch]
        line.seqs.append(self.head)
        line.ahead += 1


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
