"""From operations to the changes that they make: loads what they need and applies them, merging what came since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning import repository
from reqtrail.features.versioning.errors import (
    BaseInvalid,
    ContentRedacted,
    EditConflict,
    RefNotFound,
)
from reqtrail.features.versioning.registry import get_kind, present
from reqtrail.features.versioning.service.refs import snapshot_of
from reqtrail.features.versioning.service.staging import Reference, Staging
from reqtrail.features.versioning.service.unseen import (
    refuse_unseen,
    seen_states,
    with_kept_values,
)
from reqtrail.features.versioning.types import (
    Action,
    CommitRequest,
    Operation,
    PendingChange,
    Snapshot,
    State,
)

_SIDES = ("base", "ours", "theirs")
States = Mapping[Reference, State]


async def stage(
    session: AsyncSession,
    request: CommitRequest,
    head: Snapshot,
    known: States,
    operations: Sequence[Operation],
) -> tuple[list[PendingChange], bool]:
    """Return what *operations* change at *head*, and whether changes of others were merged in.

    Args:
        known: States at the head that were read already.

    Raises:
        EditConflict: If the same thing was changed differently since the base.
        EntityExists, EntityNotFound, OperationInvalid, BaseInvalid: If an operation does not fit.
        ReadingRestricted: If an operation is on something that the session withholds.
    """
    await refuse_unseen(session, head, operations)
    bases_of = [_base_of(item, request, head) for item in operations]
    # What is only made is not looked for: making its entity fails if it is there.
    changed = {
        (item.kind, item.entity_id) for item in operations if item.action is not Action.CREATE
    }
    current = await load_states(session, head, known, changed)
    by_base: dict[int, list[Reference]] = defaultdict(list)
    by_source: dict[int, list[Reference]] = defaultdict(list)
    for item, base_seq in zip(operations, bases_of, strict=True):
        reference = (item.kind, item.entity_id)
        state = current.get(reference)
        if base_seq is not None and state is not None and _may_differ(head, state, base_seq):
            by_base[base_seq].append(reference)
        if item.action is Action.RESTORE and item.from_seq is not None:
            by_source[item.from_seq].append(reference)
    try:
        bases = {seq: await _load_at(session, request, seq, refs) for seq, refs in by_base.items()}
    except RefNotFound as error:
        raise BaseInvalid(
            f"The edit is based on a version that does not exist. {error.detail}"
        ) from None
    sources = {seq: await _load_at(session, request, seq, refs) for seq, refs in by_source.items()}
    staging = Staging({name: get_kind(name) for name in {item.kind for item in operations}})
    for item, base_seq in zip(operations, bases_of, strict=True):
        reference = (item.kind, item.entity_id)
        state = current.get(reference)
        base = bases.get(base_seq or 0, {}).get(reference, state)
        if item.action is Action.DELETE and reference in by_base.get(base_seq or 0, ()):
            base = bases[base_seq or 0].get(reference, _unseen(state))
        restored = with_kept_values(
            session, item.kind, sources.get(item.from_seq or 0, {}).get(reference), state
        )
        _refuse_redacted(item, state, base, restored)
        staging.apply(item, state, base, restored, base_seq)
    try:
        return staging.result(), staging.merged
    except EditConflict as conflict:
        raise await _presented(session, head, conflict) from None


def _refuse_redacted(
    item: Operation, state: State | None, base: State | None, restored: State | None
) -> None:
    """Refuse what would need content that an owner removed.

    Raises:
        ContentRedacted: With a sentence that says what to do instead.
    """
    name = (
        f"{item.kind} {next((one.key for one in (state, restored) if one), None) or item.entity_id}"
    )
    if item.action is Action.RESTORE:
        source = restored or state
        if source is not None and source.redacted:
            raise ContentRedacted(
                f"This state of the {name} was redacted. Restore an earlier or a later one.",
                id=str(item.entity_id),
            )
    elif base is not None and base.redacted and base != state:
        raise ContentRedacted(
            f"The version of the {name} that the edit is based on was redacted since. Reload, then"
            " edit again.",
            id=str(item.entity_id),
        )
    elif item.action is Action.UPDATE and state is not None and state.redacted:
        raise ContentRedacted(f"The {name} was redacted.", id=str(item.entity_id))


def _unseen(state: State | None) -> State | None:
    """Return the base of a deletion for what was made since: it was not there, and nobody may delete it unseen."""
    return None if state is None else replace(state, deleted=True)


def _may_differ(head: Snapshot, state: State, base_seq: int) -> bool:
    """Return whether *state* may be another than the one that was visible at *base_seq*.

    On a branch, what shows through from below can have changed without a revision, when its base moved.
    """
    return bool(head.below) or state.seq_from > base_seq


async def load_states(
    session: AsyncSession, snapshot: Snapshot, known: States, references: Iterable[Reference]
) -> dict[Reference, State]:
    """Return the states of *references* at *snapshot*: those that are *known*, and the others read a kind at a time."""
    states: dict[Reference, State] = {}
    ids: dict[str, set[UUID]] = defaultdict(set)
    for reference in references:
        state = known.get(reference)
        if state is not None:
            states[reference] = state
        else:
            ids[reference[0]].add(reference[1])
    for name, wanted in ids.items():
        found = await repository.states_at(session, get_kind(name), snapshot, wanted)
        states.update({(name, entity_id): state for entity_id, state in found.items()})
    return states


def check_base(base: int | None, head: Snapshot) -> None:
    """Refuse a *base* sequence that lies after the *head* of main; on a branch, any commit can have been seen.

    Raises:
        BaseInvalid: If it does not exist.
    """
    if base is not None and (base < 0 or (base > head.seq and not head.below)):
        raise BaseInvalid(
            f"The edit is based on version {base}, but the newest is {head.seq}. Reload, then edit"
            " again."
        )


def _base_of(operation: Operation, request: CommitRequest, head: Snapshot) -> int | None:
    base = operation.base_seq if operation.base_seq is not None else request.base_seq
    check_base(base, head)
    return base


async def _load_at(
    session: AsyncSession, request: CommitRequest, seq: int, references: Iterable[Reference]
) -> dict[Reference, State]:
    """Return the states that commit *seq* left, on whichever branch it was made.

    What shows through from below on a branch was written by a commit of the parent, and is seen as that one's. What the
    session withholds is not among them: a conflict would show it.
    """
    if seq == 0:
        return {}
    snapshot = await snapshot_of(session, request.project_id, seq)
    return await seen_states(
        session, snapshot, await load_states(session, snapshot, {}, references)
    )


async def _presented(session: AsyncSession, head: Snapshot, conflict: EditConflict) -> EditConflict:
    """Return *conflict* with its sides in the form that may leave by API."""
    conflicts = []
    for item in conflict.extra["conflicts"]:
        sides = SimpleNamespace(**{side: item[side] for side in _SIDES})
        shown = await shown_sides(
            session, head, item["kind"], item["field"], item["field_key"], sides
        )
        conflicts.append({**item, **shown})
    return EditConflict(conflict.detail, conflicts=conflicts)


async def shown_sides(
    session: AsyncSession,
    head: Snapshot,
    kind: str,
    field: str,
    field_key: str | None,
    sides: HasSides,
) -> dict[str, Any]:
    """Return base, ours and theirs of a conflict in the form that may leave by API."""
    values = {side: getattr(sides, side) for side in _SIDES}
    if field_key is None:
        return values
    contents = [{field: {field_key: value}} for value in values.values()]
    presented = await present(session, head, kind, contents)
    return {
        side: content[field][field_key] for side, content in zip(_SIDES, presented, strict=True)
    }


class HasSides(Protocol):
    """Anything with the three sides of a conflict."""

    @property
    def base(self) -> Any:
        """What both had."""

    @property
    def ours(self) -> Any:
        """What one made of it."""

    @property
    def theirs(self) -> Any:
        """What the other made of it."""
