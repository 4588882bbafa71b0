"""The state machine: random histories on the real engine and on the reference model, which must give equal answers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from sqlalchemy import select

from reqtrail.features.versioning import repository
from reqtrail.features.versioning.public import (
    Content,
    Snapshot,
    diff,
    get_kind,
    history,
    resolve_ref,
)
from reqtrail.kit import clock
from tests.model.branches import Branches
from tests.model.edits import Edits
from tests.model.reference import Entity
from tests.model.reference_merge import look_same, there
from tests.model.strategies import AGO, KINDS, MOST_BRANCHES, ON

items = Edits.items
placements = Edits.placements


class EngineMachine(Branches):
    """Everything that can be written, but for redactions, and every way to read it again."""

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

        at_a, at_b = self.model.states[a], self.model.states[b]
        differing = {one for one in {*at_a, *at_b} if not look_same(at_a.get(one), at_b.get(one))}
        state = dict(self.model.visible(a))
        for change in self._run(act()):
            differing.remove(change.entity_id)
            assert state.get(change.entity_id) == change.before
            assert change.redacted_before == _redacted(at_a.get(change.entity_id))
            assert change.redacted_after == _redacted(at_b.get(change.entity_id))
            if change.after is None:
                del state[change.entity_id]
            else:
                state[change.entity_id] = change.after
        assert state == self.model.visible(b) and not differing

    @rule(entity=items | placements, on=ON)
    def read_a_history(self, entity: UUID, on: int) -> None:
        branch = self._branch(on)

        async def act() -> list[Any]:
            async with self.project.database.read_session() as session:
                head = await resolve_ref(session, self.project.project_id, branch.name)
                return await history(session, head, entity)

        expected: list[Any] = []
        before: Entity | None = None
        for seq in self.model.lineage(branch.name, branch.head):
            after = there(self.model.states[seq].get(entity))
            if not look_same(before, after):
                expected.append(
                    (
                        *(seq, before and before.content, after and after.content),
                        *(_redacted(before), _redacted(after)),
                    )
                )
            before = after
        found = [
            (
                *(entry.commit.seq, entry.before, entry.after),
                *(entry.redacted_before, entry.redacted_after),
            )
            for entry in self._run(act())
        ]
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
        gone = {
            (entity_id, entity.written)
            for state in self.model.states
            for entity_id, entity in state.items()
            if entity.redacted
        }
        assert {(one.entity_id, one.seq) for one in report.redacted} == gone


def _redacted(entity: Entity | None) -> int | None:
    """Return the commit that wrote what is not known any more."""
    visible = there(entity)
    return visible.written if visible is not None and visible.redacted else None
