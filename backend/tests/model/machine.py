"""The state machine: random histories on the real engine and on the reference model, which must give equal answers."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from sqlalchemy import select

from reqtrail.features.versioning import repository
from reqtrail.features.versioning.public import (
    CommitRequest,
    Content,
    Operation,
    Snapshot,
    commit,
    diff,
    get_kind,
    history,
    resolve_ref,
    revert,
)
from reqtrail.features.versioning.service import branches as branch_service
from reqtrail.features.versioning.service import merging
from reqtrail.features.versioning.service.merge_plan import preview
from reqtrail.features.versioning.service.three_way import Resolution
from reqtrail.kit import clock
from reqtrail.kit.errors import ReqtrailError
from reqtrail.kit.ids import new_id
from tests.factories.engine import Bench, BenchProject, create, delete, restore, update
from tests.model.reference import MAIN, Branch, Choices, Entity, Model, Refused

KINDS = ("document", "item", "placement")
VALUES = st.sampled_from(["one", "two", "three"])
ATTRIBUTES = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)
PATCHES = st.dictionaries(st.sampled_from("abc"), st.none() | VALUES, min_size=1, max_size=2)
RANKS = st.sampled_from(["A", "V", "k"])
AGO = st.integers(0, 6) | st.integers(0, 50)
"""How many commits ago something was; what lies before the first commit means the first."""
BASE = st.none() | AGO
MOST_ITEMS, MOST_PLACEMENTS, MOST_BRANCHES = 3, 6, 4
"""Few entities, so that they are changed often."""
ON = st.integers(0, 2 * MOST_BRANCHES)
"""Which of the branches, counted round."""
DIRECTION = st.sampled_from(["update", "update", "merge"])
CHOSEN = st.none() | st.integers(0, 255)
"""Which sides to choose in a merge, bit by bit; None chooses nothing."""
ROUNDS = 4
"""A choice can bring up another one; after so many a merge is given up."""


class EngineMachine(RuleBasedStateMachine):
    """Commits of every sort against one project; subclassed with a ``runner`` and a ``bench``."""

    runner: asyncio.Runner
    bench: Bench

    items = Bundle("items")
    placements = Bundle("placements")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.kinds: dict[UUID, str] = {}
        self.branch_ids: dict[str, UUID] = {}
        self._checked = 0
        self.documents = (new_id(), new_id())
        operations = [create("document", document_id) for document_id in self.documents]
        self.project: BenchProject = self._run(self.bench.project(operations))
        self.model.states[1] = {
            item.entity_id: Entity("document", dict(item.fields)) for item in operations
        }

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(coroutine)

    def _branch(self, on: int) -> Branch:
        lines = list(self.model.branches.values())
        return lines[on % len(lines)]

    def _seq(self, ago: int) -> int:
        """Return some commit of the project, on whichever branch."""
        return max(1, self.model.head - ago)

    def _count(self, kind: str) -> int:
        return sum(one == kind for one in self.kinds.values())

    def _base(self, branch: Branch, ago: int | None) -> int | None:
        return None if ago is None else max(branch.seqs[0], branch.head - ago)

    def _commit(self, operation: Operation, refused: Refused | None, branch: Branch) -> None:
        """Commit on the engine what the model has committed already, or refused."""

        async def act() -> int:
            async with self.project.database.session() as session:
                request = CommitRequest(
                    self.project.project_id, self.project.author_id, branch=branch.name
                )
                return (await commit(session, request, [operation])).seq

        self._expect(act(), refused, branch)

    def _expect(
        self, action: Coroutine[Any, Any, int], refused: Refused | None, branch: Branch
    ) -> None:
        try:
            seq = self._run(action)
        except ReqtrailError as error:
            assert (
                refused is not None
            ), f"the engine refused what is right: {error.detail} {error.extra}"
            conflict = error.code in ("edit_conflict", "merge_conflict")
            if refused.why == "structure" and error.code == "merge_conflict":
                return
            assert conflict == (refused.why == "conflict"), (error.code, refused.why)
            return
        assert refused is None, f"the engine accepted what must be refused: {refused.why}"
        assert seq == branch.head

    # --- writes ---------------------------------------------------------------------------------------------------

    @initialize(target=items, attributes=ATTRIBUTES)
    def first_item(self, attributes: dict[str, str]) -> Any:
        return self.create_item(attributes, 0)

    @precondition(lambda self: self._count("item") < MOST_ITEMS)
    @rule(target=items, attributes=ATTRIBUTES, on=ON)
    def create_item(self, attributes: dict[str, str], on: int) -> Any:
        operation, branch = create("item", new_id(), attributes=attributes), self._branch(on)
        fields = dict(operation.fields)
        refused = self._try(
            lambda: self.model.create("item", operation.entity_id, fields, branch.name)
        )
        self._commit(operation, refused, branch)
        if refused:
            return multiple()
        self.kinds[operation.entity_id] = "item"
        return operation.entity_id

    @rule(item=items, fields=PATCHES, base=BASE, on=ON)
    def edit_item(
        self, item: UUID, fields: dict[str, str | None], base: int | None, on: int
    ) -> None:
        branch = self._branch(on)
        self.edit_item_seen(item, fields, self._base(branch, base), branch)

    def edit_item_seen(
        self, item: UUID, fields: dict[str, Any], seen: int | None, branch: Branch
    ) -> None:
        """Edit what was seen at a sequence."""
        refused = self._try(
            lambda: self.model.update(item, {"attributes": fields}, seen, branch.name)
        )
        self._commit(update("item", item, seen, attributes=fields), refused, branch)

    @rule(item=items, first=PATCHES, second=PATCHES, on=ON)
    def edit_at_once(
        self, item: UUID, first: dict[str, Any], second: dict[str, Any], on: int
    ) -> None:
        """Two people edit what both saw."""
        branch = self._branch(on)
        seen = branch.head
        for fields in (first, second):
            self.edit_item_seen(item, fields, seen, branch)

    @rule(item=items, fields=PATCHES, on=ON)
    def delete_what_is_edited(self, item: UUID, fields: dict[str, Any], on: int) -> None:
        """One edits what another deletes at the same time."""
        branch = self._branch(on)
        seen = branch.head
        self.edit_item_seen(item, fields, seen, branch)
        self.delete(item, branch.head - seen, on)

    @precondition(lambda self: self._count("placement") < MOST_PLACEMENTS)
    @rule(target=placements, item=items, document=st.integers(0, 1), rank=RANKS, on=ON)
    def place(self, item: UUID, document: int, rank: str, on: int) -> Any:
        return self._place(item, self.documents[document], None, rank, self._branch(on))

    @precondition(lambda self: self._count("placement") < MOST_PLACEMENTS)
    @rule(target=placements, item=items, parent=placements, rank=RANKS, on=ON)
    def place_below(self, item: UUID, parent: UUID, rank: str, on: int) -> Any:
        branch = self._branch(on)
        return self._place(item, self._document_of(parent, branch), parent, rank, branch)

    def _document_of(self, placement: UUID, branch: Branch) -> UUID:
        entity = self.model.now(branch.name).get(placement)
        return self.documents[0] if entity is None else entity.content["document_id"]

    def _place(
        self, item: UUID, document: UUID, parent: UUID | None, rank: str, branch: Branch
    ) -> Any:
        operation = create(
            "placement", new_id(), item_id=item, document_id=document, parent_id=parent, rank=rank
        )
        fields = dict(operation.fields)
        refused = self._try(
            lambda: self.model.create("placement", operation.entity_id, fields, branch.name)
        )
        self._commit(operation, refused, branch)
        if refused:
            return multiple()
        self.kinds[operation.entity_id] = "placement"
        return operation.entity_id

    @rule(
        placement=placements,
        parent=st.none() | placements,
        document=st.integers(0, 1),
        rank=RANKS,
        base=BASE,
        on=ON,
    )
    def move(
        self,
        placement: UUID,
        parent: UUID | None,
        document: int,
        rank: str,
        base: int | None,
        on: int,
    ) -> None:
        branch = self._branch(on)
        target = self.documents[document]
        if parent is not None:
            target = self._document_of(parent, branch)
        fields = {"document_id": target, "parent_id": parent, "rank": rank}
        seen = self._base(branch, base)
        refused = self._try(lambda: self.model.update(placement, fields, seen, branch.name))
        self._commit(update("placement", placement, seen, **fields), refused, branch)

    @rule(placement=placements, ranks=st.tuples(RANKS, RANKS), on=ON)
    def move_at_once(self, placement: UUID, ranks: tuple[str, str], on: int) -> None:
        """One orders a placement among its siblings, another puts it into the other document."""
        seen = self._branch(on).head
        for document, rank in enumerate(ranks):
            ago = self._branch(on).head - seen
            self.move(placement, None, document, rank, ago, on)

    @rule(item=items, fields=PATCHES, on=ON)
    def restore_what_was_edited(self, item: UUID, fields: dict[str, Any], on: int) -> None:
        """An edit is taken back by restoring what was before it."""
        before, seq = self._branch(on).head, self.model.head
        self.edit_item(item, fields, None, on)
        if self._branch(on).head != before and seq == before:
            self.restore(item, 1, on)

    @rule(entity=items | placements, base=BASE, on=ON)
    def delete(self, entity: UUID, base: int | None, on: int) -> None:
        branch = self._branch(on)
        seen = self._base(branch, base)
        refused = self._try(lambda: self.model.delete(entity, seen, branch.name))
        self._commit(delete(self.kinds[entity], entity, seen), refused, branch)

    @rule(entity=items | placements, ago=AGO, on=ON)
    def restore(self, entity: UUID, ago: int, on: int) -> None:
        source, branch = self._seq(ago), self._branch(on)
        found = self.model.states[source].get(entity)
        if found is not None and found.deleted:
            return
        refused = self._try(lambda: self.model.restore(entity, source, branch.name))
        self._commit(restore(self.kinds[entity], entity, source), refused, branch)

    @rule(ago=AGO)
    def revert(self, ago: int) -> None:
        seq = self._seq(ago)
        branch = self.model.branches[self.model.owner[seq]]
        refused = self._try(lambda: self.model.revert(seq))

        async def act() -> int:
            async with self.project.database.session() as session:
                result = await revert(session, self.project.project_id, seq, self.project.author_id)
                return result.seq

        self._expect(act(), refused, branch)

    @rule(item=items, first=PATCHES, second=PATCHES, on=ON)
    def revert_under_an_edit(
        self, item: UUID, first: dict[str, Any], second: dict[str, Any], on: int
    ) -> None:
        """An edit is undone after another one of the same item."""
        before = self.model.head
        self.edit_item(item, first, None, on)
        edited = self.model.head
        self.edit_item(item, second, None, on)
        if edited > before:
            self.revert(self.model.head - edited)

    # --- branches -------------------------------------------------------------------------------------------------

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
        branch, parent = self._pair(on)
        if branch == parent:
            return
        for fields, side in ((first, branch), (second, parent)):
            if fields is None:
                self.delete(item, None, side)
            else:
                self.edit_item(item, fields, None, side)
        self.synchronise(branch - 1, direction, chosen)

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
        item = self.create_item(dict.fromkeys("abc", "one"), parent)
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

    @staticmethod
    def _try(action: Any) -> Refused | None:
        try:
            action()
        except Refused as refused:
            return refused
        return None

    # --- reads ----------------------------------------------------------------------------------------------------

    async def _read(self, session: Any, snapshot: Snapshot) -> dict[UUID, Content]:
        contents = {}
        for name in KINDS:
            kind = get_kind(name)
            rows = await session.execute(select(repository.visible(kind.table, snapshot)))
            for row in rows.mappings():
                assert row["entity_id"] not in contents, "two visible revisions of one entity"
                contents[row["entity_id"]] = kind.content_of(row)
        return contents

    def _check_read(self, ref: str, seq: int, by_date: bool = False) -> None:
        async def act() -> None:
            async with self.project.database.read_session() as session:
                project_id = self.project.project_id
                snapshot = await resolve_ref(session, project_id, ref)
                assert snapshot.seq == seq
                if by_date:
                    moment = f"{snapshot.branch}@{clock.isoformat(snapshot.recorded_at)}"
                    assert await resolve_ref(session, project_id, moment) == snapshot
                assert await self._read(session, snapshot) == self.model.visible(seq)

        self._run(act())

    @rule(ago=AGO, by_date=st.booleans())
    def read_the_past(self, ago: int, by_date: bool) -> None:
        seq = self._seq(ago)
        self._check_read(str(seq), seq, by_date)

    @rule(on=ON, ago=AGO)
    def read_a_branch_as_of(self, on: int, ago: int) -> None:
        branch = self._branch(on)
        seq = max(branch.seqs[0], self._seq(ago))
        self._check_read(f"{branch.name}@{seq}", self.model.as_of(branch.name, seq))

    @precondition(lambda self: self.model.baselines)
    @rule(number=st.integers(0, MOST_BRANCHES))
    def read_a_baseline(self, number: int) -> None:
        name, seq = list(self.model.baselines.items())[number % len(self.model.baselines)]
        self._check_read(name, seq)

    @rule(one=AGO, other=AGO)
    def apply_a_diff(self, one: int, other: int) -> None:
        a, b = self._seq(one), self._seq(other)

        async def act() -> list[Any]:
            async with self.project.database.read_session() as session:
                at_a = await resolve_ref(session, self.project.project_id, str(a))
                at_b = await resolve_ref(session, self.project.project_id, str(b))
                return await diff(session, at_a, at_b, KINDS)

        state = dict(self.model.visible(a))
        for change in self._run(act()):
            assert state.get(change.entity_id) == change.before != change.after
            if change.after is None:
                del state[change.entity_id]
            else:
                state[change.entity_id] = change.after
        assert state == self.model.visible(b)

    @rule(entity=items | placements, on=ON)
    def read_a_history(self, entity: UUID, on: int) -> None:
        branch = self._branch(on)

        async def act() -> list[Any]:
            async with self.project.database.read_session() as session:
                head = await resolve_ref(session, self.project.project_id, branch.name)
                return await history(session, head, entity)

        expected, before = [], None
        for seq in self.model.lineage(branch.name, branch.head):
            after = self.model.visible(seq).get(entity)
            if after != before:
                expected.append((seq, before, after))
            before = after
        found = [(entry.commit.seq, entry.before, entry.after) for entry in self._run(act())]
        assert found == expected[::-1]

    @invariant()
    def heads_agree(self) -> None:
        if self._checked != self.model.head:
            for branch in self.model.branches.values():
                self._check_read(branch.name, branch.head)
            self._checked = self.model.head

    def teardown(self) -> None:
        report = self._run(self.project.verify())
        assert report.ok, report.problems[:3]
        assert report.counts["commits"] == self.model.head
