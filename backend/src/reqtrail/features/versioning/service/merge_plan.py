"""What an update from the parent or a merge to it would do: one computation for both.

They look for one state ``M``: the three-way merge of the branch and its parent over the state that they had last in
common. It is found as a difference to the parent, and the structural rules are asked about that difference, since all
that neither side touched is as it stands in the parent, where the rules hold. A merge writes the difference to the
parent. An update lets the parent's head lie below the branch, and writes what would then not read as ``M``.

The state in common is the one that was synchronised last, in either direction. (What lies below the branch is not it:
with that, what was merged and then deleted would come back.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning import repository
from reqtrail.features.versioning.errors import BranchClosed, MergeImpossible, ResolutionInvalid
from reqtrail.features.versioning.merge import EXISTENCE, FieldConflict
from reqtrail.features.versioning.registry import (
    OwnValue,
    Violation,
    adopt,
    all_kinds,
    get_kind,
)
from reqtrail.features.versioning.service.branches import find_branch
from reqtrail.features.versioning.service.progress import UNSEEN, Progress, pieces
from reqtrail.features.versioning.service.refs import head_snapshot, snapshot_at
from reqtrail.features.versioning.service.rules import violations
from reqtrail.features.versioning.service.staging import Reference
from reqtrail.features.versioning.service.three_way import (
    VALUE,
    Place,
    Resolution,
    Sides,
    disagreement,
    merge_states,
    resolve,
    same,
    visible,
)
from reqtrail.features.versioning.types import PendingChange, Snapshot, State

UPDATE: Final = "update"
MERGE: Final = "merge"

MAX_ROUNDS = 20
"""A choice can bring up another one; so often the rules are asked again."""


@dataclass(frozen=True)
class Conflict:
    """Something that has to be chosen.

    Attributes:
        reason: For a structural rule: the sentence that says what would be broken.
        resolution: What was chosen already.
        broken: Whether the rule would be broken with what was chosen so far.
        base_redacted: Whether the base was redacted, so that it is neither known nor to be chosen.
    """

    kind: str
    entity_id: UUID
    key: str | None
    field: str
    field_key: str | None
    base: Any
    ours: Any
    theirs: Any
    reason: str | None = None
    code: str | None = None
    resolution: Resolution | None = None
    broken: bool = False
    base_redacted: bool = False

    @property
    def is_open(self) -> bool:
        """Whether something is still to be chosen here."""
        return self.broken or (self.reason is None and self.resolution is None)

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.kind, self.entity_id, self.field, self.field_key


@dataclass
class MergePlan:
    """What a merge or an update would do.

    Attributes:
        ours: The head that would be written to; ``theirs`` the other one; ``base`` what they had last in common.
        changes: What would be written.
        conflicts: What has to be chosen first, and what was chosen.
        open_conflicts: Those without a valid choice; with any of them nothing can be written.
    """

    direction: str
    branch: Row[Any]
    parent: Row[Any]
    base: Snapshot
    ours: Snapshot
    theirs: Snapshot
    changes: list[PendingChange] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)

    @property
    def open_conflicts(self) -> list[Conflict]:
        """The conflicts that nothing was chosen for, or whose choice would break a rule."""
        return [item for item in self.conflicts if item.is_open]

    def is_upon(self, other: MergePlan) -> bool:
        """Return whether both are of the same versions, so that what was computed for this one holds for the other."""
        return (self.base, self.ours, self.theirs) == (other.base, other.ours, other.theirs)


async def preview(
    session: AsyncSession,
    project_id: UUID,
    branch_id: UUID,
    direction: str,
    resolutions: Sequence[Resolution] = (),
    progress: Progress = UNSEEN,
) -> MergePlan:
    """Return what a merge to the parent, or an update from it, would do. Nothing is written.

    Raises:
        RefNotFound, MergeImpossible, BranchClosed: If there are no two open branches to merge.
        ResolutionInvalid: If a resolution is given for what is no conflict.
    """
    plan = await begin(session, project_id, branch_id, direction)
    await compute(session, plan, resolutions, progress)
    return plan


async def begin(
    session: AsyncSession, project_id: UUID, branch_id: UUID, direction: str
) -> MergePlan:
    """Return the plan of a merge or an update with nothing but the versions that it is of.

    Raises:
        RefNotFound, MergeImpossible, BranchClosed: If there are no two open branches to merge.
    """
    branch = await find_branch(session, project_id, branch_id)
    if branch.parent_id is None:
        raise MergeImpossible(f"“{branch.name}” is the root: it has no parent to merge with.")
    if branch.state != "open":
        raise BranchClosed(f"The branch “{branch.name}” is closed.")
    parent = await find_branch(session, project_id, branch.parent_id)
    at_branch = await head_snapshot(session, project_id, branch)
    at_parent = await head_snapshot(session, project_id, parent)
    base = await snapshot_at(session, project_id, branch.synced_branch_id, branch.synced_seq)
    ours, theirs = (at_branch, at_parent) if direction == UPDATE else (at_parent, at_branch)
    return MergePlan(direction, branch, parent, base, ours, theirs)


async def compute(
    session: AsyncSession,
    plan: MergePlan,
    resolutions: Sequence[Resolution] = (),
    progress: Progress = UNSEEN,
) -> None:
    """Put into a plan what would be written, and what has to be chosen.

    Raises:
        ResolutionInvalid: If a resolution is given for what is no conflict.
    """
    await _Merge(session, plan, progress).run(resolutions)


class _Merge:
    """The computation: states of all sides, merged and resolved, checked, and turned into changes."""

    def __init__(self, session: AsyncSession, plan: MergePlan, progress: Progress) -> None:
        self._session = session
        self._plan = plan
        self._progress = progress
        sides = plan.ours, plan.theirs
        self._branch, self._parent = sides if plan.direction == UPDATE else sides[::-1]
        self._sides: dict[Reference, Sides] = {}
        self._merged: dict[Reference, State | None] = {}
        self._own: set[Reference] = set()
        self._conflicts: dict[Place, Conflict] = {}
        self._chosen: dict[Reference, list[Resolution]] = {}

    async def run(self, resolutions: Sequence[Resolution]) -> None:
        plan, progress = self._plan, self._progress
        await self._load_candidates()
        await progress.enter("checking", len(self._sides))
        for piece in pieces(list(self._sides.items())):
            for reference, sides in piece:
                self._merged[reference], found = merge_states(get_kind(reference[0]), sides)
                for item in found:
                    self._note(reference, item)
            await progress.advance(len(piece))
        left = {resolution.place: resolution for resolution in resolutions}
        broken: set[Place] = set()
        for _ in range(MAX_ROUNDS):
            await self._apply(left)
            broken = await self._check()
            if not any(place in left for place in broken) and not await self._mended(left):
                break
        if left:
            kind, entity_id, name, key = next(iter(left))
            raise ResolutionInvalid(
                f"There is no conflict in {name}{f' ({key})' if key else ''} of the {kind} {entity_id}.",
                kind=kind,
                id=str(entity_id),
                field=name,
                field_key=key,
            )
        plan.conflicts = [
            replace(item, broken=place in broken)
            for place, item in self._conflicts.items()
            # A rule that a choice elsewhere mended needs none here.
            if place in broken or item.resolution is not None or item.reason is None
        ]
        plan.changes = self._writes()

    async def _load_candidates(self) -> None:
        project_id = self._plan.branch.project_id
        candidates: dict[str, list[UUID]] = {}
        for kind in all_kinds():
            ids = set(
                await repository.differing_ids(self._session, kind, self._plan.base, self._branch)
            )
            if self._plan.direction == UPDATE:
                own = await repository.own_ids(
                    self._session, kind, project_id, self._branch.levels[0]
                )
                self._own.update((kind.name, entity_id) for entity_id in own)
                ids.update(own)
            candidates[kind.name] = sorted(ids)
        await self._progress.enter("reading", sum(map(len, candidates.values())))
        for name, wanted in candidates.items():
            for piece in pieces(wanted):
                await self._load(name, piece)
                await self._progress.advance(len(piece))

    async def _load(self, name: str, ids: Iterable[UUID]) -> None:
        wanted = sorted({entity_id for entity_id in ids if (name, entity_id) not in self._sides})
        if not wanted:
            return
        plan = self._plan
        base, ours, theirs = [
            await repository.states_at(self._session, get_kind(name), snapshot, wanted)
            for snapshot in (plan.base, plan.ours, plan.theirs)
        ]
        for entity_id in wanted:
            self._sides[name, entity_id] = Sides(
                base.get(entity_id), ours.get(entity_id), theirs.get(entity_id)
            )

    def _note(
        self, reference: Reference, item: FieldConflict, violation: Violation | None = None
    ) -> None:
        name, entity_id = reference
        conflict = Conflict(
            name,
            entity_id,
            self._sides[reference].key,
            item.field,
            item.key,
            item.base,
            item.ours,
            item.theirs,
            violation.error.detail if violation else None,
            violation.error.code if violation else None,
            base_redacted=self._sides[reference].base_redacted,
        )
        self._conflicts.setdefault(conflict.place, conflict)

    async def _apply(self, left: dict[Place, Resolution]) -> None:
        """Put in what was chosen for known conflicts: first what stays at all, then its fields."""
        for place in [place for place in left if place in self._conflicts]:
            resolution, reference = await self._adopted(left.pop(place)), (place[0], place[1])
            self._conflicts[place] = replace(self._conflicts[place], resolution=resolution)
            chosen = self._chosen.setdefault(reference, [])
            chosen.append(resolution)
            chosen.sort(key=lambda one: one.field != EXISTENCE)
            kind, sides = get_kind(reference[0]), self._sides[reference]
            merged = merge_states(kind, sides)[0]
            for one in chosen:
                merged = resolve(kind, merged, sides, one)
            self._merged[reference] = merged

    async def _mended(self, left: dict[Place, Resolution]) -> bool:
        """Take up choices that another choice made needless; return whether there were any.

        A broken rule offers all that could mend it. Whoever answers more of it than is needed says how the sides, which
        do differ there, shall come together; that is no mistake.
        """
        found = False
        for name, entity_id, field_name, key in left:
            kind = next((one for one in all_kinds() if one.name == name), None)
            if kind is None or key is not None or field_name in kind.maps:
                continue
            await self._load(name, [entity_id])
            reference = (name, entity_id)
            item = disagreement(kind, self._sides[reference], field_name)
            if item is not None:
                self._merged.setdefault(reference, merge_states(kind, self._sides[reference])[0])
                self._note(reference, item)
                found = True
        return found

    async def _adopted(self, resolution: Resolution) -> Resolution:
        """Return a resolution with the value of one's own in the form that is stored, if it fits."""
        merged = self._merged[resolution.kind, resolution.entity_id]
        if resolution.choose != VALUE or merged is None:
            return resolution
        value = await adopt(
            self._session,
            self._plan.theirs,
            resolution.kind,
            OwnValue(merged.content, resolution.field, resolution.key, resolution.value),
        )
        return replace(resolution, value=value)

    async def _check(self) -> set[Place]:
        """Ask the rules; make a conflict of whatever could mend what they find broken. Return those places."""
        places: set[Place] = set()
        changes = self._difference()
        async for violation in violations(self._session, self._parent, {}, changes):
            found = await self._choices(violation)
            if not found:
                raise violation.error
            places.update(found)
        return places

    async def _choices(self, violation: Violation) -> set[Place]:
        ids: dict[str, set[UUID]] = defaultdict(set)
        for name, entity_id, _ in violation.about:
            ids[name].add(entity_id)
        for name, wanted in ids.items():
            await self._load(name, wanted)
        places: set[Place] = set()
        for name, entity_id, field_name in violation.about:
            reference = (name, entity_id)
            sides = self._sides[reference]
            self._merged.setdefault(reference, merge_states(get_kind(name), sides)[0])
            item = disagreement(get_kind(name), sides, field_name)
            if item is not None:
                self._note(reference, item, violation)
                places.add((name, entity_id, field_name, None))
        return places

    def _difference(self) -> list[PendingChange]:
        """Return what makes the merged state out of the parent's."""
        to_parent = self._plan.direction == MERGE
        changes = []
        for reference, merged in self._merged.items():
            sides = self._sides[reference]
            there = sides.ours if to_parent else sides.theirs
            if not same(merged, there):
                changes.append(_change(reference, sides, there, merged))
        return changes

    def _writes(self) -> list[PendingChange]:
        if self._plan.direction == MERGE:
            return self._difference()
        changes = []
        for reference, merged in self._merged.items():
            sides = self._sides[reference]
            coming = sides.ours if reference in self._own else sides.theirs
            if not same(merged, coming):
                changes.append(_change(reference, sides, sides.ours, merged))
        return changes


def _change(
    reference: Reference, sides: Sides, before: State | None, merged: State | None
) -> PendingChange:
    known = merged or sides.ours or sides.theirs or sides.base
    assert known is not None, "an entity that differs has a state"
    content = visible(merged)
    deleted = content is None
    after = (before or known).content if content is None else content
    return PendingChange(reference[0], reference[1], sides.key, before, after, deleted)
