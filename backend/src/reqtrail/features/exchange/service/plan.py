"""The second half of an import: staged entities against the head, as the operations of one commit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import LargeBinary, Uuid
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.repository import model, staged
from reqtrail.features.exchange.repository.staged import StagedRow
from reqtrail.features.exchange.service.incoming import merge_incoming
from reqtrail.features.exchange.service.lineage import Lineage
from reqtrail.features.exchange.service.mapping import MappingReport
from reqtrail.features.exchange.service.ranks import keep_ranks
from reqtrail.features.exchange.service.removal import plan_removal
from reqtrail.features.exchange.service.work import Work
from reqtrail.features.exchange.types import ORDER_GAP, Losses
from reqtrail.features.versioning.public import (
    Action,
    CommitRecord,
    Content,
    Kind,
    Operation,
    Snapshot,
    State,
    get_kind,
    load_commits,
    snapshot_of,
    states_at,
)
from reqtrail.kit import clock

CHUNK: Final = 1_000
EDITED: Final = (
    "edited_on_both_sides",
    "Changed here and in the file: the file's text stands, what was written here stays in the history.",
)
SHARED_NAME: Final = (
    "attachment_name_shared",
    "Another imported file has a different attachment of the same name: neither is shown in texts, exports hold both.",
)


@dataclass
class Plan:
    """Makes the operations of an import, and counts them.

    Attributes:
        writes: Whether the operations will be committed; a dry run only counts them.
        counts: created, updated, unchanged, deleted.
    """

    session: AsyncSession
    head: Snapshot
    work: Work
    lineages: Sequence[Lineage]
    losses: Losses
    writes: bool
    counts: Counter[str] = field(default_factory=Counter)
    mapping: MappingReport = field(default_factory=MappingReport)

    def __post_init__(self) -> None:
        self._continues = any(not lineage.is_new for lineage in self.lineages)
        exported = [lineage.exported_seq for lineage in self.lineages]
        self._exported = next((seq for seq in exported if seq is not None), None)
        self._own = self._exported is not None and all(item.is_new for item in self.lineages)
        self._ranks: Mapping[UUID, str] = {}
        self._commits: dict[int, CommitRecord] = {}
        self._last_n: dict[str, int] = {}

    async def chunks(self) -> AsyncIterator[list[Operation]]:
        """Yield the operations in the order in which they must be written.

        Raises:
            Cancelled, LeaseLost: If the work must end.
        """
        self.work.enter(self.work.phase, await staged.count_staged(self.session, self.work.job))
        if self._continues or self._exported is not None:
            self._ranks = await keep_ranks(self.session, self.head, self.work.job, self._bases)
        async for rows in staged.staged_chunks(self.session, self.work.job, CHUNK):
            operations = await self._operations(rows)
            if operations:
                yield operations
            self.work.advance(len(rows))
        if self._continues:
            async for operations in plan_removal(
                self.session, self.head, self.work.job, self.lineages, self.losses
            ):
                self.counts["deleted"] += len(operations)
                yield operations
                self.work.check()

    async def _operations(self, rows: list[StagedRow]) -> list[Operation]:
        kind = get_kind(rows[0].kind)
        if kind.name == "package" and self._own:
            return []
        states = await states_at(self.session, kind, self.head, [row.entity_id for row in rows])
        bases = await self._bases(kind, states)
        operations: list[Operation] = []
        for row in rows:
            content = decode(kind, row.fields)
            if row.entity_id in self._ranks:
                content["rank"] = self._ranks[row.entity_id]
            state = states.get(row.entity_id)
            made = self._place(kind, content, state)
            if state is None:
                operations.append(Operation(Action.CREATE, kind.name, row.entity_id, made))
                self.counts["created"] += 1
            else:
                operations.extend(self._update(kind, row, made, state, bases))
            self.mapping.note(row, state is None)
        if kind.name == "file":
            await self._note_shared_names(rows)
        if kind.name == "file" and self.writes:
            digests = {item.fields["sha256"] for item in operations if "sha256" in item.fields}
            await staged.keep_files(self.session, self.work.job, digests)
        return operations

    async def _note_shared_names(self, rows: list[StagedRow]) -> None:
        """Name attachments by whose name another imported file means something else."""
        wanted = {row.fields["path"]: row for row in rows}
        for path, entity_id, sha256 in await model.files_named(self.session, self.head, wanted):
            row = wanted[path]
            if entity_id != row.entity_id and sha256.hex() != row.fields["sha256"]:
                self.losses.add(*SHARED_NAME, where=path)

    def _update(
        self,
        kind: Kind,
        row: StagedRow,
        content: Content,
        state: State,
        bases: Mapping[UUID, Content],
    ) -> list[Operation]:
        known: Mapping[str, Any] = state.content["extra"] or {}
        elsewhere = kind.name != "package" and known.get("p") != (content["extra"] or {}).get("p")
        merged = merge_incoming(
            kind,
            content,
            state.content,
            bases.get(row.entity_id),
            self._last_change(state),
            keeps_place=kind.name not in {"package", "file"} and elsewhere,
        )
        operations = []
        if state.deleted:
            operations.append(Operation(Action.RESTORE, kind.name, row.entity_id))
        if merged.fields:
            operations.append(Operation(Action.UPDATE, kind.name, row.entity_id, merged.fields))
        self.counts["updated" if operations else "unchanged"] += 1
        if merged.overwritten:
            self.losses.add(*EDITED, where=state.key or str(row.entity_id))
        return operations

    def _place(self, kind: Kind, content: Content, state: State | None) -> Content:
        """Give what is new its place in its section, right after what stands before it in the file."""
        extra = content["extra"]
        if self._own:
            return {**content, "extra": None}
        if kind.name == "package" or extra is None or "n" not in extra or not self._continues:
            return content
        last = self._last_n.get(kind.name)
        kept = (state.content["extra"] or {}).get("n") if state is not None else None
        if kept is None:
            # Before all that is there: each import is in front of the ones before it.
            kept = -self.head.seq * ORDER_GAP if last is None else last + 1
        self._last_n[kind.name] = kept
        return {**content, "extra": {**extra, "n": kept}}

    def _last_change(self, state: State) -> str | None:
        record = self._commits.get(state.seq_from)
        if record is None or record.kind == "import":
            return None
        return clock.isoformat(record.recorded_at)

    async def _bases(self, kind: Kind, states: Mapping[UUID, State]) -> dict[UUID, Content]:
        """Return for each entity what the project held right after the last import of it."""
        missing = {state.seq_from for state in states.values()} - set(self._commits)
        if missing:
            self._commits.update(await load_commits(self.session, self.head.project_id, missing))
        bases: dict[UUID, Content] = {}
        changed = []
        for entity_id, state in states.items():
            exported = self._exported
            if exported is None:
                unchanged = self._commits[state.seq_from].kind == "import"
            else:
                unchanged = state.seq_from <= exported
            if unchanged:
                bases[entity_id] = state.content
            else:
                changed.append(entity_id)
        by_seq: dict[int, list[UUID]] = defaultdict(list)
        if changed and self._exported is not None:
            by_seq[self._exported] = changed
        elif changed:
            found = await model.last_imports(self.session, self.head, kind.name, changed)
            for entity_id, seq in found.items():
                by_seq[seq].append(entity_id)
        for seq, ids in by_seq.items():
            snapshot = await snapshot_of(self.session, self.head.project_id, seq)
            then = await states_at(self.session, kind, snapshot, ids)
            bases.update({entity_id: state.content for entity_id, state in then.items()})
        return bases


def decode(kind: Kind, fields: Mapping[str, Any]) -> Content:
    """Return staged *fields* as the kind's table holds them."""
    content = dict(fields)
    ids, digests = _written_as_text(kind)
    for name in ids:
        if content[name] is not None:
            content[name] = UUID(content[name])
    for name in digests:
        if content[name] is not None:
            content[name] = bytes.fromhex(content[name])
    return content


@cache
def _written_as_text(kind: Kind) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the fields of a kind that are ids, and those that are bytes."""
    columns = [kind.table.c[name] for name in kind.field_names]
    return (
        tuple(column.name for column in columns if isinstance(column.type, Uuid)),
        tuple(column.name for column in columns if isinstance(column.type, LargeBinary)),
    )
