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
from reqtrail.kit import clock
from reqtrail.kit.errors import ReqtrailError
from reqtrail.kit.ids import new_id
from tests.factories.engine import Bench, BenchProject, create, delete, restore, update
from tests.model.reference import Entity, Model, Refused

KINDS = ("document", "item", "placement")
VALUES = st.sampled_from(["one", "two", "three"])
ATTRIBUTES = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)
PATCHES = st.dictionaries(st.sampled_from("abc"), st.none() | VALUES, min_size=1, max_size=2)
RANKS = st.sampled_from(["A", "V", "k"])
AGO = st.integers(0, 6) | st.integers(0, 50)
"""How many commits ago something was; what lies before the first commit means the first."""
BASE = st.none() | AGO
MOST_ITEMS, MOST_PLACEMENTS = 3, 6
"""Few entities, so that they are changed often."""


class EngineMachine(RuleBasedStateMachine):
    """Commits of every sort against one project; subclassed with a ``runner`` and a ``bench``."""

    runner: asyncio.Runner
    bench: Bench

    items = Bundle("items")
    placements = Bundle("placements")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self._checked = 0
        self.documents = (new_id(), new_id())
        operations = [create("document", document_id) for document_id in self.documents]
        self.project: BenchProject = self._run(self.bench.project(operations))
        self.model.states[1] = {
            item.entity_id: Entity("document", dict(item.fields)) for item in operations
        }

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(coroutine)

    def _seq(self, ago: int) -> int:
        return max(1, self.model.head - ago)

    def _count(self, kind: str) -> int:
        return sum(entity.kind == kind for entity in self.model.states[-1].values())

    def _base(self, ago: int | None) -> int | None:
        return None if ago is None else self._seq(ago)

    def _commit(self, operation: Operation, refused: Refused | None) -> None:
        """Commit on the engine what the model has committed already, or refused."""

        async def act() -> int:
            async with self.project.database.session() as session:
                request = CommitRequest(self.project.project_id, self.project.author_id)
                return (await commit(session, request, [operation])).seq

        self._expect(act(), refused)

    def _expect(self, action: Coroutine[Any, Any, int], refused: Refused | None) -> None:
        try:
            seq = self._run(action)
        except ReqtrailError as error:
            assert refused is not None, f"the engine refused what is right: {error.detail}"
            conflict = error.code == "edit_conflict"
            assert conflict == (refused.why == "conflict"), (error.code, refused.why)
            return
        assert refused is None, f"the engine accepted what must be refused: {refused.why}"
        assert seq == self.model.head

    # --- writes ---------------------------------------------------------------------------------------------------

    @initialize(target=items, attributes=ATTRIBUTES)
    def first_item(self, attributes: dict[str, str]) -> Any:
        return self.create_item(attributes)

    @precondition(lambda self: self._count("item") < MOST_ITEMS)
    @rule(target=items, attributes=ATTRIBUTES)
    def create_item(self, attributes: dict[str, str]) -> Any:
        operation = create("item", new_id(), attributes=attributes)
        self.model.create("item", operation.entity_id, dict(operation.fields))
        self._commit(operation, None)
        return operation.entity_id

    @rule(item=items, fields=PATCHES, base=BASE)
    def edit_item(self, item: UUID, fields: dict[str, str | None], base: int | None) -> None:
        self.edit_item_seen(item, fields, self._base(base))

    def edit_item_seen(self, item: UUID, fields: dict[str, Any], seen: int | None) -> None:
        """Edit what was seen at a sequence."""
        refused = self._try(lambda: self.model.update(item, {"attributes": fields}, seen))
        self._commit(update("item", item, seen, attributes=fields), refused)

    @rule(item=items, first=PATCHES, second=PATCHES)
    def edit_at_once(self, item: UUID, first: dict[str, Any], second: dict[str, Any]) -> None:
        """Two people edit what both saw."""
        seen = self.model.head
        for fields in (first, second):
            self.edit_item_seen(item, fields, seen)

    @precondition(lambda self: self._count("placement") < MOST_PLACEMENTS)
    @rule(target=placements, item=items, document=st.integers(0, 1), rank=RANKS)
    def place(self, item: UUID, document: int, rank: str) -> Any:
        return self._place(item, self.documents[document], None, rank)

    @precondition(lambda self: self._count("placement") < MOST_PLACEMENTS)
    @rule(target=placements, item=items, parent=placements, rank=RANKS)
    def place_below(self, item: UUID, parent: UUID, rank: str) -> Any:
        document: UUID = self.model.states[-1][parent].content["document_id"]
        return self._place(item, document, parent, rank)

    def _place(self, item: UUID, document: UUID, parent: UUID | None, rank: str) -> Any:
        operation = create(
            "placement", new_id(), item_id=item, document_id=document, parent_id=parent, rank=rank
        )
        refused = self._try(
            lambda: self.model.create("placement", operation.entity_id, dict(operation.fields))
        )
        self._commit(operation, refused)
        return multiple() if refused else operation.entity_id

    @rule(
        placement=placements,
        parent=st.none() | placements,
        document=st.integers(0, 1),
        rank=RANKS,
        base=BASE,
    )
    def move(
        self, placement: UUID, parent: UUID | None, document: int, rank: str, base: int | None
    ) -> None:
        target = self.documents[document]
        if parent is not None:
            target = self.model.states[-1][parent].content["document_id"]
        fields = {"document_id": target, "parent_id": parent, "rank": rank}
        seen = self._base(base)
        refused = self._try(lambda: self.model.update(placement, fields, seen))
        self._commit(update("placement", placement, seen, **fields), refused)

    @rule(entity=items | placements, base=BASE)
    def delete(self, entity: UUID, base: int | None) -> None:
        seen = self._base(base)
        kind = self.model.states[-1][entity].kind
        refused = self._try(lambda: self.model.delete(entity, seen))
        self._commit(delete(kind, entity, seen), refused)

    @rule(entity=items | placements, ago=AGO)
    def restore(self, entity: UUID, ago: int) -> None:
        source = self._seq(ago)
        kind = self.model.states[-1][entity].kind
        refused = self._try(lambda: self.model.restore(entity, source))
        self._commit(restore(kind, entity, source), refused)

    @rule(ago=AGO)
    def revert(self, ago: int) -> None:
        seq = self._seq(ago)
        if seq < 2:
            return
        refused = self._try(lambda: self.model.revert(seq))

        async def act() -> int:
            async with self.project.database.session() as session:
                result = await revert(session, self.project.project_id, seq, self.project.author_id)
                return result.seq

        self._expect(act(), refused)

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

    def _check_read(self, seq: int, by_date: bool) -> None:
        async def act() -> None:
            async with self.project.database.read_session() as session:
                project_id = self.project.project_id
                snapshot = await resolve_ref(session, project_id, f"main@{seq}")
                if by_date:
                    moment = clock.isoformat(snapshot.recorded_at)
                    assert await resolve_ref(session, project_id, moment) == snapshot
                assert await self._read(session, snapshot) == self.model.visible(seq)

        self._run(act())

    @rule(ago=AGO, by_date=st.booleans())
    def read_the_past(self, ago: int, by_date: bool) -> None:
        self._check_read(self._seq(ago), by_date)

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

    @rule(entity=items | placements)
    def read_a_history(self, entity: UUID) -> None:
        async def act() -> list[Any]:
            async with self.project.database.read_session() as session:
                head = await resolve_ref(session, self.project.project_id, None)
                return await history(session, head, entity)

        expected = []
        contents = [
            None if entity not in state or state[entity].deleted else state[entity].content
            for state in self.model.states
        ]
        for seq in range(1, len(contents)):
            if contents[seq] != contents[seq - 1]:
                expected.append((seq, contents[seq - 1], contents[seq]))
        found = [(entry.commit.seq, entry.before, entry.after) for entry in self._run(act())]
        assert found == expected[::-1]

    @invariant()
    def head_agrees(self) -> None:
        if self._checked != self.model.head:
            self._check_read(self.model.head, by_date=False)
            self._checked = self.model.head

    def teardown(self) -> None:
        report = self._run(self.project.verify())
        assert report.ok, report.problems[:3]
        assert report.counts["commits"] == self.model.head
