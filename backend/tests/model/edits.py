"""Random edits on the real engine and on the reference model."""

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
    multiple,
    precondition,
    rule,
)

from reqtrail.features.versioning.public import CommitRequest, Operation, commit, revert
from reqtrail.kit.errors import ReqtrailError
from reqtrail.kit.ids import new_id
from tests.factories.engine import Bench, BenchProject, create, delete, restore, update
from tests.model.reference import Branch, Entity, Model, Refused
from tests.model.strategies import (
    ATTRIBUTES,
    PATCHES,
    RANKS,
    AGO,
    BASE,
    MOST_ITEMS,
    MOST_PLACEMENTS,
    ON,
)


class Edits(RuleBasedStateMachine):
    """Edits of items and placements on any branch; subclassed with a ``runner`` and a ``bench``."""

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
            item.entity_id: Entity("document", dict(item.fields), written=1) for item in operations
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
        if ago is None:
            return None
        return self.model.as_of(branch.name, max(branch.seqs[0], branch.head - ago))

    def _commit(self, operation: Operation, refused: Refused | None, branch: Branch) -> None:
        """Commit on the engine what the model has committed already, or refused."""

        async def act() -> int:
            async with self.project.database.session() as session:
                request = CommitRequest(
                    self.project.project_id, self.project.author_id, branch=branch.name
                )
                return (await commit(session, request, [operation])).seq

        now = self.model.now(branch.name).get(operation.entity_id)
        self._expect(act(), refused, branch, forgotten=now is not None and now.deleted)

    def _expect(
        self,
        action: Coroutine[Any, Any, int],
        refused: Refused | None,
        branch: Branch,
        forgotten: bool = False,
    ) -> None:
        try:
            seq = self._run(action)
        except ReqtrailError as error:
            # A branch whose parent was closed may not know any more what was deleted there before it was merged.
            if forgotten and error.code == "entity_not_found":
                return
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

    @staticmethod
    def _try(action: Any) -> Refused | None:
        try:
            action()
        except Refused as refused:
            return refused
        return None
