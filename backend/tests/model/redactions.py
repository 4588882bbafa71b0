"""Random redactions on the engine and on the reference model: what goes, what stays, and what is refused afterwards."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from reqtrail.features.versioning.public import redact
from tests.model.edits import Edits
from tests.model.machine import EngineMachine
from tests.model.reference import MAIN
from tests.model.strategies import AGO, CHOSEN, DIRECTION, MOST_BRANCHES, ON, PATCHES

items = Edits.items
placements = Edits.placements

ROW = st.none() | st.integers(0, 7)
"""Which of the revisions of an entity, counted round; None means all that may go."""
HELD = st.sampled_from(["", "", "", "one", "two"])
"""Only revisions with this text in them; most often any."""


class RedactingMachine(EngineMachine):
    """An owner takes past contents away, on all branches at once."""

    @rule(entity=items | placements, row=ROW, holding=HELD)
    def redact(self, entity: UUID, row: int | None, holding: str) -> None:
        rows = list(self.model.rows(entity))
        self._redact(entity, None if row is None else rows[row % len(rows)], holding)

    @rule(entity=items | placements, ago=AGO)
    def redact_some_version(self, entity: UUID, ago: int) -> None:
        """Often one that did not write the entity."""
        self._redact(entity, self._seq(ago), "")

    def _redact(self, entity: UUID, seq: int | None, holding: str) -> None:
        gone: set[int] = set()
        refused = self._try(lambda: gone.update(self.model.redact(entity, seq, holding)))

        async def act() -> int:
            async with self.project.database.session() as session:
                result = await redact(
                    session,
                    *(self.project.project_id, self.project.author_id, entity, "A secret"),
                    sequences=[] if seq is None else [seq],
                    holding=holding,
                )
                return result.seq

        self._expect(act(), refused, self.model.branches[MAIN])
        for one in gone:
            self._check_read(str(one), one)

    # --- what goes wrong with contents that are gone ----------------------------------------------------------------

    @rule(item=items, fields=PATCHES, other=PATCHES, ago=AGO, on=ON)
    def use_what_was_redacted(
        self, item: UUID, fields: dict[str, Any], other: dict[str, Any], ago: int, on: int
    ) -> None:
        """Somebody restores it, edits what is based on it, and undoes what changed it."""
        branch = self._branch(on)
        seen, before = branch.head, self.model.head
        self.edit_item(item, fields, None, on)
        edited = self.model.head
        self.redact(item, None, "")
        self.edit_item_seen(item, other, seen, branch)
        self.delete(item, branch.head - seen, on)
        self.restore(item, self.model.head - before, on)
        if edited > before:
            self.revert(self.model.head - edited)
        self.restore(item, ago, on)

    @rule(
        on=ON,
        item=items,
        first=st.none() | PATCHES,
        second=st.none() | PATCHES,
        direction=DIRECTION,
        chosen=CHOSEN,
    )
    def redact_what_both_sides_had(
        self, on: int, item: UUID, first: Any, second: Any, direction: str, chosen: int | None
    ) -> None:
        """Both sides edit an item, what it was before is redacted, and then they come together."""
        branch = self._edit_both(on, item, first, second)
        if branch:
            self.redact(item, None, "")
            self.synchronise(branch - 1, direction, chosen)

    @rule(item=items, fields=PATCHES, on=ON)
    def branch_from_what_was_redacted(self, item: UUID, fields: dict[str, Any], on: int) -> None:
        """A branch shows again what is gone: it can be replaced there and not be built upon."""
        before = self.model.head
        self.edit_item(item, fields, None, on)
        self.redact(item, None, "")
        if len(self.model.branches) < 2 * MOST_BRANCHES:
            self.make_branch(self.model.head - before)
        newest = len(self.model.branches) - 1
        self.edit_item(item, fields, None, newest)
        self.restore(item, 0, newest)

    @rule(item=items, first=PATCHES, second=PATCHES, on=ON)
    def compare_what_was_redacted(
        self, item: UUID, first: dict[str, Any], second: dict[str, Any], on: int
    ) -> None:
        """Two versions that are both gone still differ."""
        before = self.model.head
        for fields in (first, second, first):
            self.edit_item(item, fields, None, on)
        self.redact(item, None, "")
        made = self.model.head - before
        if made > 2:
            self.apply_a_diff(made - 1, made - 2)
        self.read_a_history(item, on)
