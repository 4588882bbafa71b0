"""Asking the structural rules of all features about changes that are about to be written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning import repository
from reqtrail.features.versioning.registry import CommitContext, Violation, all_rules, get_kind
from reqtrail.features.versioning.service.changes import load_states
from reqtrail.features.versioning.service.staging import Reference
from reqtrail.features.versioning.types import PendingChange, Snapshot, State


async def check_rules(
    session: AsyncSession,
    head: Snapshot,
    known: Mapping[Reference, State],
    changes: Sequence[PendingChange],
    *,
    bulk: bool = False,
) -> None:
    """Refuse *changes* upon *head* that break a structural rule.

    Args:
        known: States at the head that were read already.
        bulk: Whether this is an import, which keeps what its source holds even where the product would not make it.

    Raises:
        ReqtrailError: What the first rule that is broken says.
    """
    async for violation in violations(session, head, known, changes, bulk=bulk):
        raise violation.error


async def violations(
    session: AsyncSession,
    head: Snapshot,
    known: Mapping[Reference, State],
    changes: Sequence[PendingChange],
    *,
    bulk: bool = False,
) -> AsyncIterator[Violation]:
    """Yield what would be broken after *changes* upon *head*."""
    coming = {(item.kind, item.entity_id): item for item in changes}

    async def lookup(name: str, ids: Iterable[UUID]) -> dict[UUID, State]:
        result: dict[UUID, State] = {}
        wanted = set()
        for entity_id in set(ids):
            item = coming.get((name, entity_id))
            if item is None:
                wanted.add((name, entity_id))
            else:
                result[entity_id] = State(item.after, item.deleted, head.seq + 1, item.key)
        if wanted:
            found = await load_states(session, head, known, wanted)
            result.update({entity_id: state for (_, entity_id), state in found.items()})
        return result

    async def missing(name: str, ids: Iterable[UUID]) -> set[UUID]:
        unknown = set()
        absent = set()
        for entity_id in set(ids):
            item = coming.get((name, entity_id))
            if item is None:
                unknown.add(entity_id)
            elif item.deleted:
                absent.add(entity_id)
        if unknown:
            there = await repository.present_ids(session, get_kind(name), head, unknown)
            absent |= unknown - there
        return absent

    context = CommitContext(session, head, tuple(changes), lookup, missing, bulk)
    for rule in all_rules():
        async for violation in rule(context):
            yield violation
