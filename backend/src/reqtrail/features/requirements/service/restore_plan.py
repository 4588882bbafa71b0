"""What brings back a document, a part of one or an item as it was at a version, as operations upon the head.

Nothing that came later is taken away: what was added below a restored chapter stays there. What the restored things
need and what is gone comes back with them; what they need and what is still there stays as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.requirements import repository
from reqtrail.features.requirements.errors import NotInVersion
from reqtrail.features.requirements.richtext import object_paths
from reqtrail.features.requirements.service.restore_needs import Needs, schema_operations
from reqtrail.features.requirements.service.schema import load_schema
from reqtrail.features.versioning.public import (
    Action,
    Operation,
    Snapshot,
    State,
    get_kind,
    states_at,
)

CHUNK = 5000
"""So many states are compared at once: memory is bounded by it, not by the document."""

Present = Callable[[Iterable[UUID]], Awaitable[set[UUID]]]
Companion = Callable[
    [AsyncSession, Snapshot, Snapshot, Collection[UUID], Present],
    Awaitable[Iterable[tuple[str, UUID]]],
]
"""Given head, source, restored items and what tells which items will be there: the kind and id of what comes along."""

_companions: dict[str, Companion] = {}


def register_restore_companion(name: str, companion: Companion) -> None:
    """Have *companion* asked whenever items are restored; features above requirements bring back what hangs on them."""
    _companions[name] = companion


@dataclass(frozen=True)
class Scope:
    """What shall be restored: a whole ``document``, a ``placement`` with all below it, or an ``item`` alone."""

    kind: str
    entity_id: UUID


async def plan_restore(
    session: AsyncSession, head: Snapshot, source: Snapshot, scope: Scope
) -> tuple[str, list[Operation]]:
    """Return what a person calls the thing, and what brings it back upon *head* as it was at *source*.

    Raises:
        NotInVersion: If it is not visible at *source*.
    """
    plan = _Plan(session, head, source)
    gather = {"document": plan.document, "placement": plan.subtree, "item": plan.item}
    name = await gather[scope.kind](scope.entity_id)
    await plan.items_and_companions()
    await plan.needed()
    return name, plan.operations


class _Plan:
    def __init__(self, session: AsyncSession, head: Snapshot, source: Snapshot) -> None:
        self._session = session
        self._head = head
        self._source = source
        self._items: set[UUID] = set()
        self._needed_items: set[UUID] = set()
        self._needs = Needs()
        self.operations: list[Operation] = []

    async def document(self, document_id: UUID) -> str:
        """Gather a whole document; return its title."""
        row = await repository.find_document(self._session, self._source, document_id)
        if row is None:
            raise NotInVersion(f"There is no such document at {named(self._source)}.")
        self._restore("document", await self._differing("document", [document_id]))
        rows = await repository.tree_rows(self._session, self._source, document_id)
        self._items.update(row.item_id for row in rows if row.item_id)
        await self._placements(document_id, {row.entity_id: row.parent_id for row in rows})
        return f"“{row.title}”"

    async def subtree(self, placement_id: UUID) -> str:
        """Gather a placement with all below it, and the way up to it; return its item's key."""
        found = await repository.load_placements(self._session, self._source, [placement_id])
        root = found.get(placement_id)
        if root is None:
            raise NotInVersion(f"There is no such place in a document at {named(self._source)}.")
        rows = await repository.tree_rows(self._session, self._source, root.document_id)
        parents = {row.entity_id: row.parent_id for row in rows}
        items = {row.entity_id: row.item_id for row in rows}
        members = below(placement_id, parents)
        self._items.update(items[member] for member in members if items[member])
        await self._placements(root.document_id, {member: parents[member] for member in members})
        await self._way_up(root.document_id, placement_id, parents, items, members)
        missing = await self._differing("document", [root.document_id], missing_only=True)
        self._restore("document", missing, needed=True)
        states = await self._states("item", [root.item_id] if root.item_id else [], self._source)
        key = next((state.key for state in states.values()), None)
        return f"{key or 'an entry'} and what stands below it"

    async def item(self, item_id: UUID) -> str:
        """Gather an item without its places; return its key."""
        state = (await self._states("item", [item_id], self._source)).get(item_id)
        if state is None or state.deleted:
            raise NotInVersion(f"There is no such item at {named(self._source)}.")
        self._items.add(item_id)
        return state.key or "an item"

    async def items_and_companions(self) -> None:
        """Bring back the items that differ, and what hangs on them."""
        self._restore("item", await self._differing("item", self._items))
        missing = await self._differing("item", self._needed_items, missing_only=True)
        self._restore("item", missing, needed=True)

        async def present(ids: Iterable[UUID]) -> set[UUID]:
            wanted = set(ids)
            coming = wanted & (self._items | self._needed_items)
            states = await self._states("item", wanted - coming, self._head)
            return coming | {name for name, state in states.items() if not state.deleted}

        for companion in _companions.values():
            by_kind: dict[str, list[UUID]] = defaultdict(list)
            for kind, entity_id in await companion(
                self._session, self._head, self._source, self._items, present
            ):
                by_kind[kind].append(entity_id)
            for kind, ids in by_kind.items():
                self._restore(kind, await self._differing(kind, ids))

    async def needed(self) -> None:
        """Bring back the parts of the schema and the files that the restored things use and that are gone."""
        head, source = self._head, self._source
        then, now = (
            await load_schema(self._session, source),
            await load_schema(self._session, head),
        )
        self.operations.extend(schema_operations(self._needs, then, now, source.seq, head.seq))
        paths = object_paths(self._needs.texts)
        if paths:
            there = await repository.load_files(self._session, head, paths)
            files = await repository.load_files(self._session, source, paths - there.keys())
            ids = [row.entity_id for row in files.values()]
            missing = await self._differing("file", ids, missing_only=True)
            self._restore("file", missing, needed=True)

    async def _placements(self, document_id: UUID, parents: Mapping[UUID, UUID | None]) -> None:
        """Put *parents*' keys where they stood. What was added below those now elsewhere comes with them."""
        self._restore("placement", await self._differing("placement", parents))
        now = await self._states("placement", parents, self._head)
        elsewhere: dict[UUID, list[UUID]] = defaultdict(list)
        for placement_id, state in now.items():
            if not state.deleted and state.content["document_id"] != document_id:
                elsewhere[state.content["document_id"]].append(placement_id)
        for other, ids in elsewhere.items():
            rows = await repository.tree_rows(self._session, self._head, other)
            at_head = {row.entity_id: row.parent_id for row in rows}
            followers = {name for top in ids for name in below(top, at_head)} - parents.keys()
            self.operations.extend(
                self._update("placement", name, document_id=document_id)
                for name in sorted(followers)
            )

    async def _way_up(
        self,
        document_id: UUID,
        root: UUID,
        parents: Mapping[UUID, UUID | None],
        items: Mapping[UUID, UUID | None],
        members: Collection[UUID],
    ) -> None:
        """Bring back what stood above *root* and is gone, up to the first that still stands in the document.

        One that moved elsewhere, or below what is restored, is passed over: it is no part of what is restored.
        """
        above = list(path_up(parents[root], parents))
        states = await self._states("placement", above, self._head)
        rows = await repository.tree_rows(self._session, self._head, document_id)
        at_head = {row.entity_id: row.parent_id for row in rows}
        gone_ids = {
            ancestor for ancestor in above if ancestor not in states or states[ancestor].deleted
        }
        gone, parted = way_up(root, parents, at_head, gone_ids, members)
        self._restore("placement", gone, needed=True)
        self._needed_items.update(item for name in gone if (item := items[name]))
        self.operations.extend(
            self._update("placement", child, parent_id=parent) for child, parent in parted.items()
        )

    async def _differing(
        self, kind: str, ids: Iterable[UUID], *, missing_only: bool = False
    ) -> list[UUID]:
        """Return which of *ids* are other at the head than at the source, or gone; note what those need."""
        wanted, differing = sorted(ids), []
        schema = await load_schema(self._session, self._source)
        for start in range(0, len(wanted), CHUNK):
            part = wanted[start : start + CHUNK]
            then = await self._states(kind, part, self._source)
            now = await self._states(kind, part, self._head)
            for name in part:
                old, new = then[name], now.get(name)
                is_gone = new is None or new.deleted
                if missing_only and not is_gone:
                    continue
                self._needs.see(old.content, schema)
                if new is None or is_gone or new.content != old.content:
                    differing.append(name)
        return differing

    async def _states(
        self, kind: str, ids: Iterable[UUID], snapshot: Snapshot
    ) -> dict[UUID, State]:
        return await states_at(self._session, get_kind(kind), snapshot, ids)

    def _restore(self, kind: str, ids: Iterable[UUID], *, needed: bool = False) -> None:
        """Bring back *ids*. What is only *needed* is taken as it is missing at the head, whatever the author saw."""
        base = self._head.seq if needed else None
        self.operations.extend(
            Operation(Action.RESTORE, kind, name, base_seq=base, from_seq=self._source.seq)
            for name in ids
        )

    def _update(self, kind: str, entity_id: UUID, **fields: Any) -> Operation:
        return Operation(Action.UPDATE, kind, entity_id, fields, base_seq=self._head.seq)


def way_up(
    root: UUID,
    parents: Mapping[UUID, UUID | None],
    at_head: Mapping[UUID, UUID | None],
    gone: Collection[UUID],
    members: Collection[UUID],
) -> tuple[list[UUID], dict[UUID, UUID | None]]:
    """Return which placements above *root* have to come back, and which of them get another parent than they had.

    Args:
        parents: Of each placement of the document at the source, its parent.
        at_head: The same at the head.
        gone: The placements above the root that are deleted at the head.
        members: What is restored below the root, and the root.
    """
    child, back = root, []
    parted: dict[UUID, UUID | None] = {}
    for ancestor in (*path_up(parents[root], parents), None):
        if ancestor is not None and ancestor not in gone:
            if ancestor not in at_head or any(
                name in members for name in path_up(ancestor, at_head)
            ):
                continue  # it moved elsewhere, or below what is restored: it is no part of that
        if parents[child] != ancestor:
            parted[child] = ancestor
        if ancestor is None or ancestor not in gone:
            break
        back.append(ancestor)
        child = ancestor
    return back, parted


def path_up(start: UUID | None, parents: Mapping[UUID, UUID | None]) -> Iterator[UUID]:
    """Yield *start* and what stands above it, upwards."""
    while start is not None:
        yield start
        start = parents.get(start)


def below(root: UUID, parents: Mapping[UUID, UUID | None]) -> list[UUID]:
    """Return *root* and all below it, parents first."""
    children: dict[UUID | None, list[UUID]] = defaultdict(list)
    for name, parent in parents.items():
        children[parent].append(name)
    found = [root]
    for name in found:
        found.extend(children[name])
    return found


def named(snapshot: Snapshot) -> str:
    """Return what a person calls a version."""
    return f"version {snapshot.seq} of {snapshot.branch}"
