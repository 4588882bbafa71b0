"""Reading the past: log, history of an entity, difference of two snapshots."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.public import ProjectHead, ReadingRestricted, withheld_in
from reqtrail.features.versioning import repository
from reqtrail.features.versioning.errors import EntityNotFound, RefNotFound
from reqtrail.features.versioning.registry import all_kinds, get_kind
from reqtrail.features.versioning.service.refs import resolve_ref, snapshot_at
from reqtrail.features.versioning.types import (
    CommitRecord,
    Content,
    EntityChange,
    Kind,
    Snapshot,
    State,
)
from reqtrail.features.versioning.withholding import is_told, traced_entities


@dataclass(frozen=True)
class HistoryEntry:
    """One revision of an entity with the commit that wrote it and the content before (None: it did not exist).

    Attributes:
        redacted_before: If the state before was redacted: the commit that had written it; ``redacted_after`` likewise.
    """

    commit: CommitRecord
    before: Content | None
    after: Content | None
    redacted_before: int | None = None
    redacted_after: int | None = None

    @property
    def is_redacted(self) -> bool:
        """Whether a side was redacted, so that nothing can be told of what changed."""
        return self.redacted_before is not None or self.redacted_after is not None


async def log(
    session: AsyncSession,
    project_id: UUID,
    *,
    before: int | None = None,
    limit: int = 50,
    author_id: UUID | None = None,
    entity_id: UUID | None = None,
    branch: str | None = None,
    own: bool = False,
    head: ProjectHead | None = None,
) -> list[CommitRecord]:
    """Return commits newest first: with a sequence below *before*, by one author, that changed one entity, if given.

    Args:
        branch: Only the commits that led to the head of this branch, those that lie below it among them.
        own: Only the commits made on the branch itself.
        head: The head of main, if the same transaction has read it already.

    Raises:
        EntityNotFound: If the project has no such entity.
        RefNotFound: If there is no such branch.
    """
    spans = None
    if branch is not None:
        newest = await resolve_ref(session, project_id, branch, head)
        levels = newest.levels[:1] if own else newest.levels
        spans = [(level.branch_id, level.seq) for level in levels]
    among = None
    if entity_id is not None:
        kind, _ = await told_entity(session, project_id, entity_id)
        among = await repository.sequences_of(session, kind, project_id, entity_id)
    return await repository.list_commits(
        session,
        project_id,
        before=before,
        limit=limit,
        author_id=author_id,
        among=among,
        spans=spans,
    )


async def commit_record(session: AsyncSession, project_id: UUID, seq: int) -> CommitRecord:
    """Return one commit.

    Raises:
        RefNotFound: If the project has no commit with this sequence.
    """
    record = await repository.load_commit(session, project_id, seq)
    if record is None:
        raise RefNotFound(f"There is no version {seq} of this project.")
    return record


async def history(session: AsyncSession, snapshot: Snapshot, entity_id: UUID) -> list[HistoryEntry]:
    """Return what was visible of one entity up to *snapshot*, newest first; a deleted state is None.

    On a branch that is what came from below until the branch began, then its own revisions, and the updates from the
    parent that changed what shows through.

    Raises:
        EntityNotFound: If the project has no such entity.
    """
    kind, _ = await told_entity(session, snapshot.project_id, entity_id, snapshot)
    states = await _visible_states(session, kind, snapshot, entity_id)
    records = await repository.load_commits(
        session, snapshot.project_id, (seq for seq, _ in states)
    )
    entries = []
    before: State | None = None
    for seq, after in states:
        if same_look(before, after):
            continue
        entries.append(
            HistoryEntry(
                records[seq], _content(before), _content(after), _redacted(before), _redacted(after)
            )
        )
        before = after
    return entries[::-1]


async def _visible_states(
    session: AsyncSession, kind: Kind, snapshot: Snapshot, entity_id: UUID
) -> list[tuple[int, State | None]]:
    """Return ``(sequence, visible state)`` whenever a commit that led to *snapshot* may have changed it, in order."""
    own = await repository.revisions_of(
        session, kind, snapshot.project_id, snapshot.branch_id, entity_id
    )
    events = {
        state.seq_from: None if state.deleted else state
        for state in own
        if state.seq_from <= snapshot.seq
    }
    first_own = min(events, default=snapshot.seq + 1)
    result: list[tuple[int, State | None]] = []
    if snapshot.below:
        bases = await repository.load_bases(
            session, snapshot.project_id, snapshot.branch_id, snapshot.seq
        )
        for position, (from_seq, parent_id, parent_seq) in enumerate(bases):
            if from_seq >= first_own:
                break
            parent = await snapshot_at(session, snapshot.project_id, parent_id, parent_seq)
            seen = await _visible_states(session, kind, parent, entity_id)
            if position == 0:
                result.extend(seen)
            elif seen:
                result.append((from_seq, seen[-1][1]))
    return [*result, *sorted(events.items())]


async def entity(
    session: AsyncSession, project_id: UUID, entity_id: UUID
) -> tuple[Kind, str | None]:
    """Return the kind and the human key of an entity.

    Raises:
        EntityNotFound: If the project has no such entity.
    """
    found = (await repository.load_entities(session, project_id, [entity_id])).get(entity_id)
    if found is None:
        raise EntityNotFound(f"There is no {entity_id} in this project.", id=str(entity_id))
    return get_kind(found[0]), found[1]


async def told_entity(
    session: AsyncSession, project_id: UUID, entity_id: UUID, snapshot: Snapshot | None = None
) -> tuple[Kind, str | None]:
    """Return what :func:`entity` does, if *session* may tell what became of the entity over time.

    What it was while it stood in a document that is withheld cannot be told, and where it stands now does not matter.

    Args:
        snapshot: Where the one who asks looks from; the head of main if None.

    Raises:
        EntityNotFound: If the project has no such entity that they may know of.
        ReadingRestricted: If they see it, but it stands or once stood where they may not read.
    """
    kind, key = await entity(session, project_id, entity_id)
    withheld = withheld_in(session)
    if withheld:
        if not is_told(kind, withheld):
            raise ReadingRestricted(
                "The history of this can be read by those who may read everything."
            )
        snapshot = snapshot or await resolve_ref(session, project_id, None)
        if not await repository.states_at(session, kind, snapshot, [entity_id]):
            raise EntityNotFound(f"There is no {entity_id} in this project.", id=str(entity_id))
        if await traced_entities(session, project_id, withheld, kind.name, [entity_id]):
            raise ReadingRestricted(
                "Some of what it is, or was at other times, may not be read by you. So its history is not shown."
            )
    return kind, key


async def diff(
    session: AsyncSession, a: Snapshot, b: Snapshot, kinds: Iterable[str] | None = None
) -> list[EntityChange]:
    """Return what differs between two snapshots of a project: applied to the state at *a* it gives the state at *b*.

    Cost is in the number of revisions written between the two, whatever the size of the project.
    """
    changes: list[EntityChange] = []
    for kind in [get_kind(name) for name in kinds] if kinds is not None else all_kinds():
        if not is_told(kind, a.withheld):
            continue
        ids = await repository.differing_ids(session, kind, a, b)
        if not ids:
            continue
        at_a = await repository.states_at(session, kind, a, ids)
        at_b = await repository.states_at(session, kind, b, ids)
        for entity_id in sorted(ids):
            change = _change(kind.name, entity_id, at_a.get(entity_id), at_b.get(entity_id))
            if change is not None:
                changes.append(change)
    return changes


def _change(
    kind: str, entity_id: UUID, old: State | None, new: State | None
) -> EntityChange | None:
    key = next((state.key for state in (old, new) if state is not None), None)
    old = None if old is None or old.deleted else old
    new = None if new is None or new.deleted else new
    if same_look(old, new):
        return None
    word = "added" if old is None else "removed" if new is None else "changed"
    return EntityChange(
        *(kind, entity_id, key, word, _content(old), _content(new)), _redacted(old), _redacted(new)
    )


def same_look(one: State | None, other: State | None) -> bool:
    """Return whether two visible states look the same; of a redacted one nobody knows, but that it equals itself."""
    if one is None or other is None:
        return one is other
    if one.redacted or other.redacted:
        return one.seq_from == other.seq_from
    return one.content == other.content


def _content(state: State | None) -> Content | None:
    return None if state is None else state.content


def _redacted(state: State | None) -> int | None:
    return state.seq_from if state is not None and state.redacted else None
