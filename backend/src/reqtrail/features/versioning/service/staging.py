"""What a commit is about to write: operations applied to current states, concurrent changes merged in.

Pure bookkeeping over states that the caller loaded; it reads no database.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from reqtrail.features.versioning.errors import (
    EditConflict,
    EntityExists,
    EntityNotFound,
    OperationInvalid,
)
from reqtrail.features.versioning.merge import FieldConflict, merge_contents, patched
from reqtrail.features.versioning.types import (
    Action,
    Content,
    Kind,
    Operation,
    PendingChange,
    State,
)

Reference = tuple[str, UUID]


class Staging:
    """Applies operations in order; several of one entity end in at most one change.

    Attributes:
        merged: Whether somebody else's changes since a base were merged in.
    """

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._kinds = kinds
        self._pending: dict[Reference, PendingChange] = {}
        self._conflicts: list[dict[str, Any]] = []
        self.merged = False

    def apply(
        self,
        operation: Operation,
        current: State | None,
        base: State | None,
        restored: State | None,
        base_seq: int | None,
    ) -> None:
        """Apply one operation.

        Args:
            current: The state at the head, before this commit.
            base: The state that the author saw; the current one when nothing changed since.
            restored: RESTORE: the state to bring back.
            base_seq: The sequence that the author saw, or None to overwrite.

        Raises:
            EntityExists, EntityNotFound, OperationInvalid: If the operation does not fit the state.
        """
        reference = (operation.kind, operation.entity_id)
        kind = self._kinds[operation.kind]
        pending = self._pending.get(reference)
        if pending is not None:
            # A later operation of the same commit builds on the earlier one: nothing can have come between.
            current = base = State(pending.after, pending.deleted, 0, pending.key)
        if operation.action is Action.CREATE:
            after, deleted = self._create(kind, operation, current), False
        elif operation.action is Action.RESTORE and (current or restored) is not None:
            after, deleted = (
                self._restore(kind, operation, current, base, restored, base_seq),
                False,
            )
        elif current is None:
            raise EntityNotFound(
                f"There is no {operation.kind} {operation.entity_id} in this project.",
                kind=operation.kind,
                id=str(operation.entity_id),
            )
        elif operation.action is Action.DELETE:
            self._check_delete(operation, current, base, base_seq)
            after, deleted = current.content, True
        else:
            after, deleted = self._update(kind, operation, current, base, base_seq), False
        if pending is not None:
            pending.after, pending.deleted = after, deleted
        else:
            named = current or restored
            key = operation.key if named is None else named.key
            self._pending[reference] = PendingChange(
                *(operation.kind, operation.entity_id, key, current, after, deleted),
                known=named is not None,
            )

    def result(self) -> list[PendingChange]:
        """Return the changes that have an effect.

        Raises:
            EditConflict: If any operation was in conflict; all conflicts are listed.
        """
        if self._conflicts:
            count = len(self._conflicts)
            raise EditConflict(
                f"{count} {'change is' if count == 1 else 'changes are'} in conflict with what others"
                " saved meanwhile. Choose what shall stand, then save again.",
                conflicts=self._conflicts,
            )
        return [
            change
            for change in self._pending.values()
            if change.before is None
            and not change.deleted
            or change.before is not None
            and (
                change.before.deleted != change.deleted
                or (not change.deleted and not _is(change.before, change.after))
            )
        ]

    def _create(self, kind: Kind, operation: Operation, current: State | None) -> Content:
        if current is not None:
            raise EntityExists(
                f"The {operation.kind} {operation.entity_id} exists already.",
                kind=operation.kind,
                id=str(operation.entity_id),
            )
        if operation.fields.keys() != set(kind.field_names):
            raise OperationInvalid(
                f"A new {kind.name} needs exactly the fields {', '.join(kind.field_names)}."
            )
        return patched(kind, {}, operation.fields)

    def _update(
        self,
        kind: Kind,
        operation: Operation,
        current: State,
        base: State | None,
        base_seq: int | None,
    ) -> Content:
        unknown = set(operation.fields) - set(kind.field_names)
        if unknown:
            raise OperationInvalid(f"A {kind.name} has no field {', '.join(sorted(unknown))}.")
        if base is None or base_seq is None or _same(base, current):
            if current.deleted:
                self._conflict(operation, current, base, [_existence("changed", "deleted")])
            return patched(kind, current.content, operation.fields)
        if current.deleted:
            self._conflict(operation, current, base, [_existence("changed", "deleted")])
            return current.content
        ours = patched(kind, base.content, operation.fields)
        merged, conflicts = merge_contents(kind, base.content, ours, current.content)
        self._conflict(operation, current, base, conflicts)
        self.merged = True
        return merged

    def _restore(
        self,
        kind: Kind,
        operation: Operation,
        current: State | None,
        base: State | None,
        restored: State | None,
        base_seq: int | None,
    ) -> Content:
        wanted = restored or current
        if wanted is None or (operation.from_seq is not None and restored is None):
            raise OperationInvalid(
                f"The {operation.kind} {(current and current.key) or operation.entity_id} did not"
                f" exist at version {operation.from_seq} yet; choose a later version.",
                id=str(operation.entity_id),
            )
        return self._restored(kind, operation, wanted.content, current, base, base_seq)

    def _restored(
        self,
        kind: Kind,
        operation: Operation,
        wanted: Content,
        current: State | None,
        base: State | None,
        base_seq: int | None,
    ) -> Content:
        """Return *wanted* merged with what came since the base."""
        if current is None or base is None or base_seq is None or _same(base, current):
            return wanted
        if current.deleted or base.deleted:
            if current.deleted or not _is(current, wanted):
                ours = "restored" if base.deleted else "changed"
                theirs = "deleted" if current.deleted else "changed"
                self._conflict(operation, current, base, [_existence(ours, theirs)])
            return wanted
        merged, conflicts = merge_contents(kind, base.content, wanted, current.content)
        self._conflict(operation, current, base, conflicts)
        self.merged = True
        return merged

    def _check_delete(
        self, operation: Operation, current: State, base: State | None, base_seq: int | None
    ) -> None:
        changed = base is not None and not _same(base, current)
        if base_seq is not None and base is not None and not current.deleted and changed:
            self._conflict(operation, current, base, [_existence("deleted", "changed")])

    def _conflict(
        self,
        operation: Operation,
        current: State,
        base: State | None,
        conflicts: list[FieldConflict],
    ) -> None:
        self._conflicts.extend(
            {
                "kind": operation.kind,
                "id": operation.entity_id,
                "key": current.key,
                "field": conflict.field,
                "field_key": conflict.key,
                "base": conflict.base,
                "ours": conflict.ours,
                "theirs": conflict.theirs,
            }
            for conflict in conflicts
        )


def _same(base: State, current: State) -> bool:
    """Return whether nothing that is visible changed: what was changed and changed back is no change.

    The content that a deleted entity had last is not visible. What was redacted equals nothing but itself.
    """
    if base.deleted or current.deleted:
        return base.deleted == current.deleted
    if base.redacted or current.redacted:
        return base.seq_from == current.seq_from
    return base.content == current.content


def _is(state: State, content: Content) -> bool:
    """Return whether a state holds *content*: nobody knows that of a redacted one, which only looks empty."""
    return not state.redacted and state.content == content


def _existence(ours: str, theirs: str) -> FieldConflict:
    return FieldConflict("existence", None, "present", ours, theirs)
