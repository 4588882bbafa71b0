"""Faults planted into the engine on purpose, to prove that the state machine finds such faults.

Each takes pytest's monkeypatch and breaks one thing in the way a plausible mistake would.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

from pytest import MonkeyPatch
from sqlalchemy import Alias

from reqtrail.features.versioning import merge, repository
from reqtrail.features.versioning.repository import reading
from reqtrail.features.versioning.service import (
    changes,
    history,
    merge_plan,
    merging,
    redacting,
    refs,
    rules,
    staging,
    three_way,
    undo,
)
from reqtrail.features.versioning.types import FieldKind

Fault = Callable[[MonkeyPatch], None]


def seq_to_off_by_one(patch: MonkeyPatch) -> None:
    """A superseded revision stays visible for one commit too long."""
    real = repository.supersede

    async def wrong(session: Any, kind: Any, head: Any, ids: Any, counter: Any) -> None:
        await real(session, kind, head, ids, replace(counter, seq=counter.seq + 1))

    patch.setattr(repository, "supersede", wrong)


def superseded_at_not_bounded(patch: MonkeyPatch) -> None:
    """A read of the past bounds ``superseded_at`` by less than it must, and the sequence not at all."""

    def wrong(table: Any, level: Any) -> list[Any]:
        if level.is_head:
            return [table.c.superseded_at == reading.INFINITY]
        return [
            table.c.seq_from <= level.seq,
            table.c.superseded_at >= level.recorded_at,
        ]

    patch.setattr(reading, "_interval", wrong)


def deleted_does_not_mask(patch: MonkeyPatch) -> None:
    """A deleted entity is still read."""
    real = reading._layer

    def wrong(table: Any, project_id: Any, level: Any, nearer: Any, deleted: bool) -> Any:
        return real(table, project_id, level, nearer, True)

    patch.setattr(reading, "_layer", wrong)


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


async def _nothing(*_: Any, **__: Any) -> AsyncIterator[Any]:
    for item in list[Any]():
        yield item


def no_structural_rules(patch: MonkeyPatch) -> None:
    """Nobody asks whether a commit or a merge leaves orphans and cycles behind."""

    patch.setattr(rules, "violations", _nothing)
    patch.setattr(merge_plan, "violations", _nothing)


def no_structural_rules_in_merges(patch: MonkeyPatch) -> None:
    """Two sides that are right each by itself are taken to be right together."""

    patch.setattr(merge_plan, "violations", _nothing)


def base_pointer_as_merge_base(patch: MonkeyPatch) -> None:
    """What lies below the branch is taken for the state that it had last in common with its parent."""

    async def wrong(session: Any, project_id: Any, branch_id: Any, seq: int) -> Any:
        snapshot = await refs.snapshot_at(session, project_id, branch_id, seq)
        if not snapshot.below:
            return snapshot
        base = snapshot.below[0]
        return await refs.snapshot_at(session, project_id, base.branch_id, base.seq)

    patch.setattr(merge_plan, "snapshot_at", wrong)


def own_rows_not_compared_on_update(patch: MonkeyPatch) -> None:
    """An update leaves the branch's own revisions alone where only the parent changed the entity."""

    async def nothing(*_: Any) -> list[Any]:
        return []

    patch.setattr(repository, "own_ids", nothing)


def deleted_on_branch_shows_through(patch: MonkeyPatch) -> None:
    """What was deleted on a branch is seen again from below."""
    real = reading.own

    def wrong(table: Any, project_id: Any, level: Any) -> list[Any]:
        conditions = real(table, project_id, level)
        if isinstance(table, Alias):  # the mask of a nearer layer
            conditions.append(table.c.deleted.is_(False))
        return conditions

    patch.setattr(reading, "own", wrong)


def moved_base_is_no_change(patch: MonkeyPatch) -> None:
    """An editor who saw a branch before an update overwrites what the update brought."""
    patch.setattr(changes, "_may_differ", lambda head, state, base: state.seq_from > base)


def merge_not_remembered(patch: MonkeyPatch) -> None:
    """A merge does not record what the two sides have in common since."""

    real = merging._synchronise

    async def wrong(session: Any, plan: Any, seq: int) -> None:
        if plan.direction == merge_plan.UPDATE:
            await real(session, plan, seq)

    patch.setattr(merging, "_synchronise", wrong)


def edit_wins_over_deletion(patch: MonkeyPatch) -> None:
    """An edit against a deletion is decided silently."""
    real: Any = vars(merge_plan)["merge_states"]

    def wrong(kind: Any, sides: Any) -> Any:
        merged, conflicts = real(kind, sides)
        return merged, [item for item in conflicts if item.field != "existence"]

    patch.setattr(merge_plan, "merge_states", wrong)


def half_a_position(patch: MonkeyPatch) -> None:
    """Parent and rank of a placement are merged apart, so that it stands where neither side put it."""
    patch.setattr(
        merge,
        "_merge_position",
        lambda kind, base, ours, theirs: (
            {
                name: merge.merge_values(
                    FieldKind.SCALAR, *(side.get(name) for side in (base, ours, theirs))
                )
                for name in kind.position
            },
            [],
        ),
    )


def diff_of_one_layer(patch: MonkeyPatch) -> None:
    """A comparison looks at the branch's own commits only, not at what moved below it."""
    real = repository.differing_ids

    async def wrong(session: Any, kind: Any, a: Any, b: Any) -> Any:
        return await real(session, kind, replace(a, below=()), replace(b, below=()))

    patch.setattr(repository, "differing_ids", wrong)


def redacts_what_a_branch_shows(patch: MonkeyPatch) -> None:
    """A redaction asks main alone whether anybody still sees what goes."""
    real = redacting._shown

    async def wrong(session: Any, kind: Any, entity_id: Any, heads: Any) -> Any:
        return await real(session, kind, entity_id, [one for one in heads if one.branch == "main"])

    patch.setattr(redacting, "_shown", wrong)


def redacts_one_branch(patch: MonkeyPatch) -> None:
    """A copy of the secret stays on another branch."""
    real = repository.all_revisions

    async def wrong(session: Any, kind: Any, project_id: Any, ids: Any) -> Any:
        rows = await real(session, kind, project_id, ids)
        return [row for row in rows if row["branch_id"] == rows[0]["branch_id"]]

    patch.setattr(repository, "all_revisions", wrong)


def redacted_base_is_empty(patch: MonkeyPatch) -> None:
    """A merge takes what is left of a redacted base for the content that both sides had in common."""
    patch.setattr(three_way.Sides, "base_redacted", False)


def redacted_looks_empty(patch: MonkeyPatch) -> None:
    """What was redacted is compared by what is left of it."""
    patch.setattr(
        history,
        "same_look",
        lambda one, other: (one and one.content) == (other and other.content),
    )


def redacted_is_built_upon(patch: MonkeyPatch) -> None:
    """What was redacted is restored and edited as if it had been empty."""
    patch.setattr(changes, "_refuse_redacted", lambda *_: None)


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
    no_structural_rules,
    no_structural_rules_in_merges,
    base_pointer_as_merge_base,
    own_rows_not_compared_on_update,
    deleted_on_branch_shows_through,
    moved_base_is_no_change,
    merge_not_remembered,
    edit_wins_over_deletion,
    half_a_position,
    diff_of_one_layer,
)
REDACTION_FAULTS: tuple[Fault, ...] = (
    redacts_what_a_branch_shows,
    redacts_one_branch,
    redacted_base_is_empty,
    redacted_looks_empty,
    redacted_is_built_upon,
)

__all__ = ["FAULTS", "REDACTION_FAULTS", "Fault"]
