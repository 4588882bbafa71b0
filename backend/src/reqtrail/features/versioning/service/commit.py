"""The one way in: every write of versioned content ends in :func:`commit` or :func:`commit_stream`."""

from __future__ import annotations

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import AsyncIterable, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.projects.public import get_project_key
from reqtrail.features.versioning import repository
from reqtrail.features.versioning.errors import (
    BaseInvalid,
    EditConflict,
    EntityExists,
    OperationInvalid,
    RefNotFound,
)
from reqtrail.features.versioning.hashing import (
    GENESIS,
    ChangesDigest,
    commit_hash,
    content_hash,
    new_salt,
)
from reqtrail.features.versioning.registry import (
    CommitContext,
    all_kinds,
    all_rules,
    get_kind,
    present,
)
from reqtrail.features.versioning.repository import Counter, NewRevision
from reqtrail.features.versioning.service.refs import head_snapshot, resolve_ref, snapshot_of
from reqtrail.features.versioning.service.staging import Reference, Staging
from reqtrail.features.versioning.types import (
    MAIN,
    Action,
    Change,
    CommitRecord,
    CommitRequest,
    CommitResult,
    Kind,
    Operation,
    PendingChange,
    Snapshot,
    State,
)
from reqtrail.kit.ids import new_id
from reqtrail.platform.notices import announce_head

MAX_REMEMBERED = 20_000
"""Up to this many changes a commit keeps their hashes in memory; beyond it reads them back."""

_SIDES = ("base", "ours", "theirs")


async def init_project(
    session: AsyncSession,
    project_id: UUID,
    project_key: str,
    author_id: UUID,
    operations: Sequence[Operation],
) -> CommitResult:
    """Make the counters and the branch ``main`` of a new project, and commit 1 with *operations*."""
    await repository.insert_project(session, project_id, new_id(), "main", GENESIS)
    request = CommitRequest(
        project_id, author_id, message=f"Start of project {project_key}", kind="init"
    )
    return await commit(session, request, operations, project_key=project_key)


async def commit(
    session: AsyncSession,
    request: CommitRequest,
    operations: Sequence[Operation],
    *,
    project_key: str | None = None,
) -> CommitResult:
    """Apply *operations* atomically as one commit; write nothing when they change nothing.

    Changes that others made since ``base_seq`` are merged field by field, texts by word.

    Raises:
        EditConflict: If the same thing was changed differently since the base; nothing is written.
        EntityExists, EntityNotFound, OperationInvalid, BaseInvalid, RefNotFound: If an operation does not fit.
    """
    writer = await _Writer.open(session, request, project_key)
    changes = await writer.write(operations)
    if not changes and request.kind != "init":
        return await writer.abandon()
    return await writer.close(tuple(_change(item) for item in changes))


async def commit_stream(
    session: AsyncSession,
    request: CommitRequest,
    chunks: AsyncIterable[Sequence[Operation]],
    *,
    project_key: str | None = None,
) -> CommitResult:
    """Like :func:`commit`, for any number of operations in bounded memory; an entity may occur in one chunk only.

    What a chunk refers to (types, parents, ends of links) must come in the same chunk or an earlier one.
    """
    writer = await _Writer.open(session, request, project_key)
    async for operations in chunks:
        await writer.write(operations)
    if not writer.counts:
        return await writer.abandon()
    return await writer.close(())


async def lock_head(session: AsyncSession, project_id: UUID, branch: str = MAIN) -> Snapshot:
    """Take the project's commit lock ahead of :func:`commit` and return the head that nobody else can move now.

    Raises:
        RefNotFound: If there is no such branch, or it has no commit.
    """
    await repository.lock_counter(session, project_id)
    return await resolve_ref(session, project_id, branch)


def _change(item: PendingChange) -> Change:
    return Change(item.kind, item.entity_id, item.key, item.action)


class _Writer:
    """One commit being written. It holds the project's counter row from :meth:`open` until the transaction ends."""

    def __init__(
        self,
        session: AsyncSession,
        request: CommitRequest,
        head: Snapshot | None,
        branch_id: UUID,
        counter: Counter,
        project_key: str | None,
    ) -> None:
        self._session = session
        self._request = request
        self._branch_id = branch_id
        self._counter = counter
        self._project_key = project_key
        self._next_number = counter.first_item_number
        self._merged = False
        self.counts: Tally[str] = Tally()
        self._written: dict[str, list[tuple[UUID, bool, bytes]]] | None = defaultdict(list)
        self._real_head = head
        # Before the first commit there is nothing to read; a snapshot of sequence 0 reads exactly that.
        self._head = head or Snapshot(
            request.project_id, branch_id, request.branch, 0, counter.recorded_at, GENESIS, True
        )

    @classmethod
    async def open(
        cls, session: AsyncSession, request: CommitRequest, project_key: str | None
    ) -> _Writer:
        counter = await repository.take_sequence(session, request.project_id)
        branch = await repository.load_branch(session, request.project_id, request.branch)
        if counter is None or branch is None:
            raise RefNotFound(f"There is no branch “{request.branch}” in this project.")
        head = head_snapshot(request.project_id, branch) if branch.head_seq else None
        _check_base(request.base_seq, branch.head_seq)
        return cls(session, request, head, branch.branch_id, counter, project_key)

    async def write(self, operations: Sequence[Operation]) -> list[PendingChange]:
        """Apply and write *operations*; return what they changed."""
        kinds = {name: get_kind(name) for name in {item.kind for item in operations}}
        changes = await self._stage(kinds, operations)
        if not changes:
            return []
        await self._check_rules(changes)
        await self._name(kinds, [item for item in changes if item.before is None])
        for name in sorted(kinds):
            await self._write_kind(kinds[name], [item for item in changes if item.kind == name])
        return changes

    async def abandon(self) -> CommitResult:
        """Give the sequence back: nothing changed."""
        await repository.give_back_sequence(self._session, self._request.project_id)
        head = self._head
        return CommitResult(head.seq, head.commit_hash, head.recorded_at, self._merged, (), {})

    async def close(self, changes: tuple[Change, ...]) -> CommitResult:
        """Write the commit itself and move the head."""
        session, request, counter = self._session, self._request, self._counter
        if self._next_number != counter.first_item_number:
            await repository.set_item_number(session, request.project_id, self._next_number - 1)
        record = self._record(counter.recorded_at, b"")
        digest = commit_hash(request.project_id, record, await self._changes_digest())
        record = self._record(counter.recorded_at, digest)
        await repository.insert_commit(session, request.project_id, record)
        await repository.move_head(session, record, request.project_id)
        self._announce(record)
        return CommitResult(
            record.seq, record.hash, record.recorded_at, self._merged, changes, dict(self.counts)
        )

    async def _changes_digest(self) -> bytes:
        """Digest what was written: from memory, or for what was too much of it from the tables again."""
        digest = ChangesDigest()
        for kind in all_kinds():
            if not self.counts[kind.name]:
                continue
            if self._written is not None:
                digest.add(kind.name, sorted(self._written[kind.name]))
                continue
            async for batch in repository.changes_of(
                self._session, kind, self._head, self._counter.seq
            ):
                digest.add(kind.name, batch)
        return digest.digest()

    def _record(self, recorded_at: datetime, digest: bytes) -> CommitRecord:
        request = self._request
        return CommitRecord(
            seq=self._counter.seq,
            branch_id=self._branch_id,
            kind=request.kind,
            hash=digest,
            parents=(self._real_head.commit_hash,) if self._real_head else (),
            author_id=request.author_id,
            message=request.message,
            authored_at=request.authored_at or recorded_at,
            recorded_at=recorded_at,
            details=dict(request.details),
        )

    def _announce(self, record: CommitRecord) -> None:
        announce_head(
            self._session, self._request.project_id, record.branch_id, record.seq, record.hash
        )

    async def _stage(
        self, kinds: dict[str, Kind], operations: Sequence[Operation]
    ) -> list[PendingChange]:
        current = await self._load(kinds, self._head, _references(operations))
        by_base: dict[int, list[Reference]] = defaultdict(list)
        by_source: dict[int, list[Reference]] = defaultdict(list)
        for item in operations:
            reference = (item.kind, item.entity_id)
            base_seq = self._base_of(item)
            state = current.get(reference)
            if base_seq is not None and state is not None and state.seq_from > base_seq:
                by_base[base_seq].append(reference)
            if item.action is Action.RESTORE and item.from_seq is not None:
                by_source[item.from_seq].append(reference)
        bases = {seq: await self._load_at(kinds, seq, refs) for seq, refs in by_base.items()}
        sources = {seq: await self._load_at(kinds, seq, refs) for seq, refs in by_source.items()}
        staging = Staging(kinds)
        for item in operations:
            reference = (item.kind, item.entity_id)
            base_seq = self._base_of(item)
            state = current.get(reference)
            base = bases.get(base_seq or 0, {}).get(reference, state)
            restored = sources.get(item.from_seq or 0, {}).get(reference)
            staging.apply(item, state, base, restored, base_seq)
        try:
            changes = staging.result()
        except EditConflict as conflict:
            raise await self._presented(conflict) from None
        self._merged = self._merged or staging.merged
        return changes

    async def _presented(self, conflict: EditConflict) -> EditConflict:
        """Return *conflict* with its sides in the form that may leave by API."""
        conflicts = []
        for item in conflict.extra["conflicts"]:
            field, key = item["field"], item["field_key"]
            shown = dict(item)
            if key is not None:
                sides = [{field: {key: item[side]}} for side in _SIDES]
                presented = await present(self._session, self._head, item["kind"], sides)
                shown.update(
                    {
                        side: content[field][key]
                        for side, content in zip(_SIDES, presented, strict=True)
                    }
                )
            conflicts.append(shown)
        return EditConflict(conflict.detail, conflicts=conflicts)

    def _base_of(self, operation: Operation) -> int | None:
        base = operation.base_seq if operation.base_seq is not None else self._request.base_seq
        _check_base(base, self._head.seq)
        return base

    async def _load_at(
        self, kinds: dict[str, Kind], seq: int, references: Iterable[Reference]
    ) -> dict[Reference, State]:
        if seq == 0:
            return {}
        snapshot = await snapshot_of(self._session, self._request.project_id, seq)
        return await self._load(kinds, snapshot, references)

    async def _load(
        self, kinds: dict[str, Kind], snapshot: Snapshot, references: Iterable[Reference]
    ) -> dict[Reference, State]:
        ids: dict[str, set[UUID]] = defaultdict(set)
        for name, entity_id in references:
            ids[name].add(entity_id)
        states: dict[Reference, State] = {}
        for name, wanted in ids.items():
            found = await repository.states_at(self._session, kinds[name], snapshot, wanted)
            states.update({(name, entity_id): state for entity_id, state in found.items()})
        return states

    async def _check_rules(self, changes: list[PendingChange]) -> None:
        coming = {(item.kind, item.entity_id): item for item in changes}

        async def lookup(name: str, ids: Iterable[UUID]) -> dict[UUID, State]:
            wanted = set(ids)
            result = {}
            for entity_id in list(wanted):
                item = coming.get((name, entity_id))
                if item is not None:
                    result[entity_id] = State(item.after, item.deleted, self._counter.seq, item.key)
                    wanted.discard(entity_id)
            if wanted:
                found = await repository.states_at(
                    self._session, get_kind(name), self._head, wanted
                )
                result.update(found)
            return result

        context = CommitContext(
            self._session, self._head, tuple(changes), lookup, self._request.kind == "import"
        )
        for rule in all_rules():
            await rule(context)

    async def _name(self, kinds: dict[str, Kind], created: list[PendingChange]) -> None:
        """Make the entities of what is new, minting human keys in the order of the operations."""
        project_id = self._request.project_id
        if self._project_key is None and any(kinds[item.kind].keyed for item in created):
            self._project_key = await get_project_key(self._session, project_id)
        for item in created:
            if kinds[item.kind].keyed and item.key is None:
                item.key = f"{self._project_key}-{self._next_number}"
                self._next_number += 1
            elif item.key is not None:
                self._raise_number(item.key)
        if not created:
            return
        _check_distinct(created)
        existing = await repository.load_entities(
            self._session, project_id, [item.entity_id for item in created]
        )
        taken = await repository.taken_keys(
            self._session, project_id, [item.key for item in created if item.key]
        )
        if existing or taken:
            names = ", ".join([*taken, *(str(entity_id) for entity_id in existing)][:5])
            raise EntityExists(f"Already taken in this project: {names}.")
        await repository.insert_entities(
            self._session, project_id, [(item.entity_id, item.kind, item.key) for item in created]
        )

    def _raise_number(self, key: str) -> None:
        prefix, _, number = key.rpartition("-")
        if prefix == self._project_key and number.isdigit() and len(number) < 16:
            self._next_number = max(self._next_number, int(number) + 1)

    async def _write_kind(self, kind: Kind, changes: list[PendingChange]) -> None:
        await repository.supersede(
            self._session,
            kind,
            self._head,
            [item.entity_id for item in changes if item.before is not None],
            self._counter,
        )
        rows = []
        for item in changes:
            salt = new_salt()
            digest = _hash_of(salt, item)
            rows.append(NewRevision(item.entity_id, item.deleted, salt, digest, item.after))
        await repository.insert_revisions(self._session, kind, self._head, self._counter.seq, rows)
        self.counts[kind.name] += len(changes)
        if self.counts.total() > MAX_REMEMBERED:
            self._written = None
        if self._written is not None:
            self._written[kind.name].extend(
                (row.entity_id, row.deleted, row.content_hash) for row in rows
            )


def _check_distinct(created: Sequence[PendingChange]) -> None:
    ids = Tally(item.entity_id for item in created)
    keys = Tally(item.key for item in created if item.key is not None)
    twice = [str(name) for tally in (ids, keys) for name, count in tally.items() if count > 1]
    if twice:
        raise EntityExists(f"Given to several new things at once: {', '.join(twice[:5])}.")


def _hash_of(salt: bytes, item: PendingChange) -> bytes:
    try:
        return content_hash(salt, item.kind, item.key, item.deleted, item.after)
    except TypeError as error:
        raise OperationInvalid(
            f"The {item.kind} {item.key or item.entity_id} holds a value that cannot be kept: {error}.",
            id=str(item.entity_id),
        ) from None


def _references(operations: Iterable[Operation]) -> set[Reference]:
    return {(item.kind, item.entity_id) for item in operations}


def _check_base(base: int | None, head_seq: int) -> None:
    if base is not None and not 0 <= base <= head_seq:
        raise BaseInvalid(
            f"The edit is based on version {base}, but the newest is {head_seq}. Reload, then edit"
            " again."
        )
