"""The reference model of the version engine: plain dictionaries, copied whole for each commit.

It knows no database, no interval, no layer and no hash, and does everything in the most obvious way: every commit has
the whole state of its branch, a merge goes over everything. Whatever the engine answers must equal what this answers.
It stands for items (attributes merged by key) and placements (an item, and a position merged as one).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from tests.model.reference_merge import (
    Choices,
    Content,
    Entity,
    Refused,
    State,
    look_same,
    merge,
    merge_entity,
    patch,
    there,
)

MAIN = "main"

__all__ = ["MAIN", "Branch", "Choices", "Entity", "Model", "Refused"]


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


class Model:
    """A project: ``states[n]`` is the whole state that commit ``n`` left on its branch; ``states[0]`` is nothing."""

    def __init__(self) -> None:
        self.states: list[State] = [{}, {}]
        self.owner: list[str] = ["", MAIN]
        self.branches = {MAIN: Branch(MAIN, None, 0, [1], {})}
        self.baselines: dict[str, int] = {}
        self.redactions: set[int] = set()

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
        if current.redacted:
            raise Refused("redacted")
        if current.deleted:
            raise Refused("conflict")
        if seen is None or seen == current:
            content = patch(current.content, fields)
        else:
            ours = patch(seen.content, fields)
            content = merge(current.kind, seen.content, ours, current.content)
        self._commit({entity_id: Entity(current.kind, content)}, branch)

    def delete(self, entity_id: UUID, base: int | None, branch: str) -> None:
        """Commit a deletion; refused if the entity changed since *base*, or was made since then."""
        self._open(branch)
        current, seen = self._current(entity_id, base, branch)
        if not current.deleted and base is not None and not look_same(seen, current):
            raise Refused("conflict")
        self._commit({entity_id: Entity(current.kind, current.content, deleted=True)}, branch)

    def restore(self, entity_id: UUID, from_seq: int, branch: str) -> None:
        """Commit the content that the entity had after commit *from_seq*, on whichever branch."""
        self._open(branch)
        source = self.states[from_seq].get(entity_id)
        if source is None:
            raise Refused("missing")
        if source.redacted:
            raise Refused("redacted")
        self._commit({entity_id: Entity(source.kind, source.content)}, branch)

    def _current(
        self, entity_id: UUID, base: int | None, branch: str
    ) -> tuple[Entity, Entity | None]:
        current = self.now(branch).get(entity_id)
        if current is None:
            raise Refused("missing")
        if base is None:
            return current, None
        seen = self.states[self.as_of(branch, base)].get(entity_id)
        if seen is not None and seen.redacted and seen.written != current.written:
            raise Refused("redacted")
        return current, seen

    def revert(self, seq: int) -> None:
        """Commit the inverse of commit *seq*: the merge of the head with what was before, based on what was after."""
        branch = self.owner[seq]
        line = self.branches[branch]
        place = line.seqs.index(seq)
        if place == 0:
            raise Refused("missing")
        if seq in self.redactions:
            raise Refused("redacted")
        self._open(branch)
        before, after, now = self.states[line.seqs[place - 1]], self.states[seq], self.now(branch)
        for entity_id, entity in after.items():
            _refuse_redacted(there(before.get(entity_id)), there(entity), now.get(entity_id))
        changes: State = {}
        for entity_id, entity in after.items():
            old = before.get(entity_id)
            gone = old is None or old.deleted
            if look_same(old, entity):
                continue
            wanted = entity if old is None else old
            changes[entity_id] = self._inverse(wanted, gone, entity, now[entity_id])
        self._commit(changes, branch)

    def _inverse(self, wanted: Entity, gone: bool, base: Entity, current: Entity) -> Entity:
        if gone:
            if not current.deleted and not look_same(current, base):
                raise Refused("conflict")
            return Entity(current.kind, current.content, deleted=True)
        if base.deleted:
            if not current.deleted and not look_same(current, wanted):
                raise Refused("conflict")
            return wanted
        if current.deleted:
            raise Refused("conflict")
        content = merge(base.kind, base.content, wanted.content, current.content)
        return Entity(base.kind, content)

    # --- redaction ------------------------------------------------------------------------------------------------

    def rows(self, entity_id: UUID) -> dict[int, Entity]:
        """Return the revisions of an entity on all branches by the commits that wrote them."""
        found = {seq: state.get(entity_id) for seq, state in enumerate(self.states)}
        return {seq: one for seq, one in found.items() if one is not None and one.written == seq}

    def redact(self, entity_id: UUID, seq: int | None, holding: str) -> set[int]:
        """Commit on main that revisions lose their contents: one, those that hold a text, or all that nobody shows.

        Returns:
            The commits that wrote them.
        """
        rows = self.rows(entity_id)
        if seq is not None and seq not in rows:
            raise Refused("missing")
        lines = [line.name for line in self.branches.values() if line.open]
        heads = [there(self.now(name).get(entity_id)) for name in lines]
        shown = {one.written for one in heads if one is not None}
        wanted = {
            number
            for number, row in rows.items()
            if not row.redacted
            and seq in (None, number)
            and holding in ("", *row.content.get("attributes", {}).values())
        }
        if seq is None and not holding:
            wanted -= shown
        if wanted & shown:
            raise Refused("shown")
        if not wanted:
            raise Refused("nothing")
        for state in self.states:
            entity = state.get(entity_id)
            if entity is not None and entity.written in wanted:
                state[entity_id] = replace(entity, content=_emptied(entity.content), redacted=True)
        self._append(self.now(MAIN), MAIN)
        self.branches[MAIN].seqs.append(self.head)
        self.redactions.add(self.head)
        return wanted

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
        number = self.head + 1
        for entity_id in {*line.synced, *ours, *theirs}:
            entity = merge_entity(
                entity_id,
                line.synced.get(entity_id),
                ours.get(entity_id),
                theirs.get(entity_id),
                choices,
            )
            unknown = entity_id not in ours and direction == "merge"
            if entity is not None and not (entity.deleted and unknown):
                # An update shows what is in the parent, but where the branch has a revision of its own.
                coming = ours.get(entity_id)
                if direction == "update" and (coming is None or self.owner[coming.written] != name):
                    coming = theirs.get(entity_id)
                merged[entity_id] = _written(entity, coming, number)
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
        number = self.head + 1
        written = {one: _written(entity, now.get(one), number) for one, entity in changes.items()}
        coming = {**now, **written}
        effective = any(not look_same(now.get(one), entity) for one, entity in changes.items())
        if not effective:
            return
        _check_structure(coming)
        self._append(coming, branch)
        line = self.branches[branch]
        line.seqs.append(self.head)
        line.ahead += 1


def _written(entity: Entity, present: Entity | None, number: int) -> Entity:
    """Return the revision that commit *number* makes of a state, or the *present* one if it looks the same."""
    if look_same(entity, present):
        return entity if present is None else present
    return replace(entity, written=number, redacted=False)


def _emptied(content: Content) -> Content:
    """Return what a redaction leaves: what people wrote goes, what holds the project together stays."""
    return {**content, "attributes": {}} if "attributes" in content else content


def _refuse_redacted(before: Entity | None, after: Entity | None, now: Entity | None) -> None:
    """Refuse the inverse of a change if one of its sides is not known any more, or what is to be changed is not."""
    if look_same(before, after):
        return
    if (before and before.redacted) or (after and after.redacted):
        raise Refused("redacted")
    if before is not None and after is not None and now is not None and now.redacted:
        raise Refused("redacted")


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
