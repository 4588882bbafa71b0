"""Faults planted into the engine on purpose, to prove that the state machine finds such faults.

Each takes pytest's monkeypatch and breaks one thing in the way a plausible mistake would.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pytest import MonkeyPatch
from sqlalchemy import select

from reqtrail.features.versioning import merge, repository
from reqtrail.features.versioning.repository import reading
from reqtrail.features.versioning.service import staging, undo, writer

Fault = Callable[[MonkeyPatch], None]


def seq_to_off_by_one(patch: MonkeyPatch) -> None:
    """A superseded revision stays visible for one commit too long."""
    real = repository.supersede

    async def wrong(session: Any, kind: Any, head: Any, ids: Any, counter: Any) -> None:
        await real(session, kind, head, ids, replace(counter, seq=counter.seq + 1))

    patch.setattr(repository, "supersede", wrong)


def superseded_at_not_bounded(patch: MonkeyPatch) -> None:
    """A read of the past bounds ``superseded_at`` by less than it must, and the sequence not at all."""

    def wrong(table: Any, snapshot: Any) -> list[Any]:
        if snapshot.is_head:
            return [table.c.superseded_at == reading.INFINITY]
        return [
            table.c.seq_from <= snapshot.seq,
            table.c.superseded_at >= snapshot.recorded_at,
        ]

    patch.setattr(reading, "_interval", wrong)


def deleted_does_not_mask(patch: MonkeyPatch) -> None:
    """A deleted entity is still read."""

    def wrong(table: Any, snapshot: Any, *, deleted: bool = False) -> Any:
        column = table.c
        return (
            select(table)
            .where(
                column.project_id == snapshot.project_id,
                column.branch_id == snapshot.branch_id,
                *reading._interval(table, snapshot),
            )
            .subquery()
        )

    patch.setattr(reading, "visible", wrong)
    patch.setattr(repository, "visible", wrong)


def merge_ignores_base(patch: MonkeyPatch) -> None:
    """What others changed since the base is overwritten: the lost update."""
    patch.setattr(staging, "merge_contents", lambda kind, base, ours, theirs: (ours, []))


def restore_from_wrong_version(patch: MonkeyPatch) -> None:
    """A restore brings back the present content instead of the past one."""
    real = staging.Staging.apply

    def wrong(
        self: Any, operation: Any, current: Any, base: Any, restored: Any, base_seq: Any
    ) -> None:
        real(self, operation, current, base, restored and current, base_seq)

    patch.setattr(staging.Staging, "apply", wrong)


def no_op_written(patch: MonkeyPatch) -> None:
    """A commit that changes nothing takes a sequence."""
    patch.setattr(staging.Staging, "result", lambda self: list(self._pending.values()))


def removed_key_stays(patch: MonkeyPatch) -> None:
    """Removing an attribute leaves its old value."""
    real = merge.patched

    def wrong(kind: Any, content: Any, fields: Any) -> Any:
        kept = {
            name: (
                {key: entry for key, entry in value.items() if entry is not None}
                if isinstance(value, dict)
                else value
            )
            for name, value in fields.items()
        }
        return real(kind, content, kept)

    patch.setattr(staging, "patched", wrong)


def undo_unmerged(patch: MonkeyPatch) -> None:
    """An undo overwrites what came after the commit that it undoes."""
    real: Any = vars(undo)["commit"]

    async def wrong(session: Any, request: Any, operations: Any) -> Any:
        return await real(session, replace(request, base_seq=None), operations)

    patch.setattr(undo, "commit", wrong)


def delete_ignores_edits(patch: MonkeyPatch) -> None:
    """Deleting takes away an edit that its author never saw."""
    patch.setattr(staging.Staging, "_check_delete", lambda *_: None)


def rules_see_the_past(patch: MonkeyPatch) -> None:
    """Structural rules are told that everything they ask about exists."""

    async def wrong(self: Any, changes: Any) -> None:
        return None

    patch.setattr(writer.Writer, "_check_rules", wrong)


FAULTS: tuple[Fault, ...] = (
    seq_to_off_by_one,
    superseded_at_not_bounded,
    deleted_does_not_mask,
    merge_ignores_base,
    restore_from_wrong_version,
    no_op_written,
    removed_key_stays,
    undo_unmerged,
    delete_ignores_edits,
    rules_see_the_past,
)

__all__ = ["FAULTS", "Fault"]
