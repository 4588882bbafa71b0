"""Differences in the form that leaves by API: contents presented, fields taken apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.public import display_names
from reqtrail.features.versioning.merge import EXISTENCE, POSITION, word_pieces
from reqtrail.features.versioning.merge_schemas import (
    MergeConflictRead,
    MergePreviewRead,
    PieceRead,
)
from reqtrail.features.versioning.registry import get_kind, present
from reqtrail.features.versioning.schemas import (
    ChangeRead,
    CommitOutcome,
    EntityChangeRead,
    RefRead,
)
from reqtrail.features.versioning.service.changes import shown_sides
from reqtrail.features.versioning.service.history import diff, entity, history
from reqtrail.features.versioning.service.merge_plan import Conflict, MergePlan
from reqtrail.features.versioning.service.redacting import redactions_by_revision
from reqtrail.features.versioning.service.three_way import visible as visible_content
from reqtrail.features.versioning.types import (
    CommitRecord,
    CommitResult,
    Content,
    EntityChange,
    Snapshot,
)

HIDDEN = {"extra"}
"""Fields that only exchange reads: what an import brought and the model does not use."""


async def compare(
    session: AsyncSession, a: Snapshot, b: Snapshot, kinds: Sequence[str] | None
) -> list[dict[str, Any]]:
    """Return what differs between two snapshots, each side as it may leave by API."""
    return await shown_changes(session, a, b, await diff(session, a, b, kinds))


async def shown_changes(
    session: AsyncSession, a: Snapshot, b: Snapshot, changes_: Sequence[EntityChange]
) -> list[dict[str, Any]]:
    """Return changes from *a* to *b*, each side as it may leave by API."""
    by_kind: dict[str, list[EntityChange]] = defaultdict(list)
    for change in changes_:
        by_kind[change.kind].append(change)
    result = []
    redactions = await redactions_read(session, a.project_id, changes_)
    for kind, changes in by_kind.items():
        before = await _shown(session, a, kind, [change.before for change in changes])
        after = await _shown(session, b, kind, [change.after for change in changes])
        for change, old, new in zip(changes, before, after, strict=True):
            # Of what was redacted nobody can tell how it differs.
            fields = [] if change.is_redacted else list(field_changes(old or {}, new or {}))
            if fields or change.is_redacted or _word(old, new) != "changed":
                result.append(
                    {
                        "kind": kind,
                        "id": change.entity_id,
                        "key": change.key,
                        "change": _word(old, new),
                        "before": old,
                        "after": new,
                        "fields": fields,
                        "redacted_before": redactions(change.entity_id, change.redacted_before),
                        "redacted_after": redactions(change.entity_id, change.redacted_after),
                    }
                )
    return result


async def _shown(
    session: AsyncSession, snapshot: Snapshot, kind: str, contents: list[Content | None]
) -> list[Content | None]:
    there = [content for content in contents if content is not None]
    shown = iter(await present(session, snapshot, kind, there)) if there else iter(())
    return [None if content is None else public_content(next(shown)) for content in contents]


async def shown_plan(session: AsyncSession, plan: MergePlan, large_from: int) -> MergePreviewRead:
    """Return what a merge would do in the form that may leave by API.

    Args:
        large_from: From so many changes on it is called large.
    """
    changes = [
        EntityChange(
            item.kind,
            item.entity_id,
            item.key,
            "changed",
            visible_content(item.before),
            None if item.deleted else item.after,
        )
        for item in plan.changes
    ]
    return MergePreviewRead(
        direction=plan.direction,
        branch=plan.branch.name,
        parent=plan.parent.name,
        base=RefRead.of(plan.base),
        ours=RefRead.of(plan.ours),
        theirs=RefRead.of(plan.theirs),
        changes=[
            EntityChangeRead.model_validate(item)
            for item in await shown_changes(session, plan.ours, plan.theirs, changes)
        ],
        conflicts=[
            MergeConflictRead(
                kind=item.kind,
                id=item.entity_id,
                key=item.key,
                field=item.field,
                field_key=item.field_key,
                reason=item.reason,
                open=item.is_open,
                chosen=item.resolution.choose if item.resolution else None,
                words=list(item.resolution.words) if item.resolution else [],
                pieces=_pieces(item),
                base_redacted=item.base_redacted,
                **await shown_sides(
                    session, plan.ours, item.kind, item.field, item.field_key, item
                ),
            )
            for item in plan.conflicts
        ],
        branch_seq=plan.branch.head_seq,
        parent_seq=plan.parent.head_seq,
        large=len(plan.changes) >= large_from,
    )


def _pieces(conflict: Conflict) -> list[PieceRead] | None:
    if conflict.field in (EXISTENCE, POSITION) or conflict.base_redacted:
        return None
    sides = (conflict.base, conflict.ours, conflict.theirs)
    pieces = word_pieces(get_kind(conflict.kind), conflict.field, conflict.field_key, *sides)
    return None if pieces is None else [PieceRead(**asdict(piece)) for piece in pieces]


async def history_entries(
    session: AsyncSession, snapshot: Snapshot, entity_id: UUID
) -> tuple[str | None, list[tuple[CommitRecord, dict[str, Any]]]]:
    """Return the key of an entity and its versions, newest first, each with its commit, as they may leave by API.

    Raises:
        EntityNotFound: If the project has no such entity.
    """
    kind, key = await entity(session, snapshot.project_id, entity_id)
    entries = await history(session, snapshot, entity_id)
    before = await _shown(session, snapshot, kind.name, [entry.before for entry in entries])
    after = await _shown(session, snapshot, kind.name, [entry.after for entry in entries])
    redactions = await redactions_read(session, snapshot.project_id, entries)
    result = []
    for entry, old, new in zip(entries, before, after, strict=True):
        change = {
            "change": _word(old, new),
            "before": old,
            "after": new,
            "fields": [] if entry.is_redacted else field_changes(old or {}, new or {}),
            "redacted_before": redactions(entity_id, entry.redacted_before),
            "redacted_after": redactions(entity_id, entry.redacted_after),
        }
        result.append((entry.commit, change))
    return key, result


class MayBeRedacted(Protocol):
    """A change that may be of something redacted."""

    @property
    def is_redacted(self) -> bool:
        """Whether a side was redacted."""


async def redactions_read(
    session: AsyncSession, project_id: UUID, changes: Iterable[MayBeRedacted]
) -> Callable[[UUID, int | None], dict[str, Any] | None]:
    """Return what tells by entity and sequence who redacted a revision, when and why; it reads them only if need be."""
    if not any(change.is_redacted for change in changes):
        return lambda entity_id, seq: None
    known = await shown_redactions(session, project_id)
    return lambda entity_id, seq: None if seq is None else known.get((entity_id, seq))


async def shown_redactions(
    session: AsyncSession, project_id: UUID
) -> dict[tuple[UUID, int], dict[str, Any]]:
    """Return who redacted which revisions of a project, when and why, by entity and sequence, for JSON."""
    found = await redactions_by_revision(session, project_id)
    names = await display_names(session, {item.commit.author_id for item in found.values()})
    return {
        place: {
            "seq": item.commit.seq,
            "author": {
                "id": item.commit.author_id,
                "display_name": names.get(item.commit.author_id, ""),
            },
            "recorded_at": item.commit.recorded_at,
            "reason": item.commit.message,
        }
        for place, item in found.items()
    }


def _word(old: Content | None, new: Content | None) -> str:
    return "added" if old is None else "removed" if new is None else "changed"


def public_content(content: Content) -> Content:
    """Return a content without what only exchange reads, with bytes as hex text."""
    return {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in content.items()
        if name not in HIDDEN
    }


def field_changes(before: Content, after: Content) -> list[dict[str, Any]]:
    """Return the fields that differ; a field that holds an object is taken apart by its keys."""
    changes: list[dict[str, Any]] = []
    for name in dict.fromkeys((*after, *before)):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if isinstance(old or {}, dict) and isinstance(new or {}, dict):
            inner_old, inner_new = old or {}, new or {}
            changes.extend(
                {
                    "field": name,
                    "key": key,
                    "before": inner_old.get(key),
                    "after": inner_new.get(key),
                }
                for key in dict.fromkeys((*inner_new, *inner_old))
                if inner_old.get(key) != inner_new.get(key)
            )
        else:
            changes.append({"field": name, "key": None, "before": old, "after": new})
    return changes


def outcome(result: CommitResult) -> CommitOutcome:
    """Return what came of a commit as JSON shows it."""
    return CommitOutcome(
        ref=RefRead.of(result.snapshot),
        merged=result.merged,
        changes=[
            ChangeRead(kind=item.kind, id=item.entity_id, key=item.key, action=item.action)
            for item in result.changes
        ],
    )
