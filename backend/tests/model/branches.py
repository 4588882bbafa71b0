"""Random branches, updates, merges with choices, and baselines on the engine and on the reference model."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import multiple, precondition, rule

from reqtrail.features.versioning.service import branches as branch_service
from reqtrail.features.versioning.service import merging
from reqtrail.features.versioning.service.merge_plan import preview
from reqtrail.features.versioning.service.three_way import Resolution

from tests.model.edits import Edits
from tests.model.reference import MAIN, Branch, Choices
from tests.model.strategies import (
    PATCHES,
    RANKS,
    AGO,
    MOST_ITEMS,
    MOST_BRANCHES,
    ON,
    DIRECTION,
    CHOSEN,
    ROUNDS,
)

items = Edits.items
placements = Edits.placements


class Branches(Edits):
    """Branches of one project that come together again."""

    @precondition(lambda self: len(self.model.branches) < MOST_BRANCHES)
    @rule(ago=AGO)
    def make_branch(self, ago: int) -> None:
        seq, name = self._seq(ago), f"b{len(self.model.branches)}"
        refused = self._try(lambda: self.model.make_branch(name, seq))

        async def act() -> int:
            async with self.project.database.session() as session:
                result = await branch_service.create_branch(
                    session, self.project.project_id, self.project.author_id, name, str(seq)
                )
                self.branch_ids[name] = result.snapshot.branch_id
                return result.seq

        self._expect(act(), refused, self.model.branches.get(name, self.model.branches[MAIN]))

    @precondition(lambda self: len(self.model.branches) > 1)
    @rule(
        on=st.integers(1, MOST_BRANCHES - 1),
        direction=DIRECTION,
        chosen=CHOSEN,
    )
    def synchronise(self, on: int, direction: str, chosen: int | None) -> None:
        """Update a branch or merge it, choosing sides where both disagree, or choosing none."""
        lines = list(self.model.branches.values())[1:]
        branch = lines[on % len(lines)]
        resolutions = (
            [] if chosen is None or not branch.open else self._choose(branch, direction, chosen)
        )
        sides = {(one.entity_id, one.field, one.key): str(one.choose) for one in resolutions}
        parent = self.model.branches[str(branch.parent)]
        target = branch if direction == "update" else parent
        refused = self._try(lambda: self.model.synchronise(branch.name, direction, Choices(sides)))

        async def act() -> int:
            async with self.project.database.session() as session:
                result = await merging.merge(
                    session,
                    self.project.project_id,
                    self.project.author_id,
                    self.branch_ids[branch.name],
                    direction,
                    resolutions=resolutions,
                )
                return result.seq

        self._expect(act(), refused, target)

    def _choose(self, branch: Branch, direction: str, chosen: int) -> list[Resolution]:
        """Choose a side of everything that is open, again while choices bring up others."""
        resolutions: dict[Any, Resolution] = {}

        async def open_conflicts() -> list[Any]:
            async with self.project.database.read_session() as session:
                plan = await preview(
                    session,
                    self.project.project_id,
                    self.branch_ids[branch.name],
                    direction,
                    list(resolutions.values()),
                )
                return plan.open_conflicts

        for turn in range(ROUNDS):
            before = dict(resolutions)
            for number, item in enumerate(self._run(open_conflicts())):
                side = ("ours", "theirs")[(chosen >> ((number + turn) % 8)) % 2]
                resolutions.setdefault(
                    item.place,
                    Resolution(item.kind, item.entity_id, item.field, item.field_key, side),
                )
            if resolutions == before:
                break
        return list(resolutions.values())

    # --- what goes wrong on two sides only: an edit here, another there, and then both together -------------------

    def _pair(self, on: int) -> tuple[int, int]:
        """Return the numbers of an open branch, made if there is none, and of its parent."""
        names = list(self.model.branches)
        opened = [one for one in self.model.branches.values() if one.parent and one.open]
        if not opened:
            if len(names) >= 2 * MOST_BRANCHES:
                return 0, 0
            self.make_branch(0)
            names = list(self.model.branches)
            opened = [one for one in self.model.branches.values() if one.parent and one.open]
            if not opened:
                return 0, 0
        branch = opened[on % len(opened)]
        return names.index(branch.name), names.index(str(branch.parent))

    @rule(
        on=ON,
        item=items,
        first=st.none() | PATCHES,
        second=st.none() | PATCHES,
        direction=DIRECTION,
        chosen=CHOSEN,
    )
    def edit_on_both_sides(
        self, on: int, item: UUID, first: Any, second: Any, direction: str, chosen: int | None
    ) -> None:
        """Both sides edit an item, or delete it; then they come together."""
        branch = self._edit_both(on, item, first, second)
        if branch:
            self.synchronise(branch - 1, direction, chosen)

    def _edit_both(self, on: int, item: UUID, first: Any, second: Any) -> int:
        """Edit an item on a branch and on its parent, or delete it; return the branch, 0 if there is none."""
        branch, parent = self._pair(on)
        if branch == parent:
            return 0
        for fields, side in ((first, branch), (second, parent)):
            if fields is None:
                self.delete(item, None, side)
            else:
                self.edit_item(item, fields, None, side)
        return branch

    @rule(on=ON, item=items, first=PATCHES, second=st.none() | PATCHES, chosen=CHOSEN)
    def edit_what_was_merged(
        self, on: int, item: UUID, first: Any, second: Any, chosen: int | None
    ) -> None:
        """What came from the branch is edited in the parent, or deleted there; then it goes back and forth."""
        branch, parent = self._pair(on)
        if branch == parent:
            return
        self.edit_item(item, first, None, branch)
        self.synchronise(branch - 1, "merge", chosen)
        if second is None:
            self.delete(item, None, parent)
        else:
            self.edit_item(item, second, None, parent)
        self.synchronise(branch - 1, "update", chosen)
        self.synchronise(branch - 1, "merge", chosen)

    @precondition(lambda self: self._count("item") < 2 * MOST_ITEMS)
    @rule(target=items, on=ON, other=items, first=PATCHES, second=PATCHES)
    def edit_what_an_update_changed(
        self, on: int, other: UUID, first: dict[str, Any], second: dict[str, Any]
    ) -> Any:
        """Somebody has an item open that the branch shows from below, while an update brings another state of it.

        The new state was written before what was seen, so that only a look at both tells that it is another one.
        """
        branch, parent = self._pair(on)
        if branch == parent:
            return multiple()
        item: Any = self.create_item(dict.fromkeys("abc", "one"), parent)
        self.synchronise(branch - 1, "update", 0)
        self.edit_item(item, first, None, parent)
        self.edit_item(other, second, None, branch)
        seen = self._branch(branch).head
        self.synchronise(branch - 1, "update", 0)
        self.edit_item_seen(item, second, seen, self._branch(branch))
        return item

    @precondition(lambda self: self._count("placement") > 1)
    @rule(
        on=ON,
        one=placements,
        other=placements,
        ranks=st.tuples(RANKS, RANKS),
        below=st.booleans(),
        gone=st.booleans(),
        direction=DIRECTION,
        chosen=CHOSEN,
    )
    def move_on_both_sides(
        self,
        on: int,
        one: UUID,
        other: UUID,
        ranks: tuple[str, str],
        below: bool,
        gone: bool,
        direction: str,
        chosen: int | None,
    ) -> None:
        """One side moves something, the other its new parent below it, or away, or the same thing elsewhere."""
        branch, parent = self._pair(on)
        if branch == parent:
            return
        for placement in (one, other):
            self.move(placement, None, 0, ranks[0], None, parent)
        self.synchronise(branch - 1, "update", chosen)
        self.move(one, other, 0, ranks[0], None, branch)
        if gone:
            self.delete(other, None, parent)
        elif below:
            self.move(other, one, 0, ranks[1], None, parent)
        else:
            self.move(one, None, 0, ranks[1], None, parent)
        self.synchronise(branch - 1, direction, chosen)

    @precondition(lambda self: len(self.model.branches) > 2)
    @rule(on=st.integers(1, MOST_BRANCHES - 1), discard=st.booleans())
    def close(self, on: int, discard: bool) -> None:
        lines = list(self.model.branches.values())[1:]
        branch = lines[on % len(lines)]
        refused = self._try(lambda: self.model.close(branch.name, discard))

        async def act() -> int:
            async with self.project.database.session() as session:
                result = await branch_service.close_branch(
                    session,
                    self.project.project_id,
                    self.project.author_id,
                    self.branch_ids[branch.name],
                    discard=discard,
                )
                return result.seq

        self._expect(act(), refused, branch)

    @precondition(lambda self: len(self.model.baselines) < MOST_BRANCHES)
    @rule(ago=AGO)
    def make_baseline(self, ago: int) -> None:
        seq, name = self._seq(ago), f"Baseline {len(self.model.baselines)}"
        self.model.make_baseline(name, seq)

        async def act() -> None:
            async with self.project.database.session() as session:
                await branch_service.create_baseline(
                    session, self.project.project_id, self.project.author_id, name, str(seq)
                )

        self._run(act())
