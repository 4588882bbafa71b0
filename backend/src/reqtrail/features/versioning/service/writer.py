"""One commit being written: from the lock on the project's counter to the new head."""

from __future__ import annotations

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning import repository
from reqtrail.features.versioning.errors import (
    BranchClosed,
    BranchProtected,
    OperationInvalid,
    RefNotFound,
)
from reqtrail.features.versioning.hashing import (
    ChangesDigest,
    commit_hash,
    content_hash,
    new_salt,
)
from reqtrail.features.versioning.registry import all_kinds, get_kind
from reqtrail.features.versioning.repository import Counter, NewRevision
from reqtrail.features.versioning.service.changes import check_base, stage
from reqtrail.features.versioning.service.naming import Names
from reqtrail.features.versioning.service.refs import head_snapshot
from reqtrail.features.versioning.service.rules import check_rules
from reqtrail.features.versioning.service.staging import Reference
from reqtrail.features.versioning.types import (
    MAIN,
    Change,
    CommitRecord,
    CommitRequest,
    CommitResult,
    Kind,
    Level,
    Operation,
    PendingChange,
    Snapshot,
    State,
)
from reqtrail.kit.canonical_json import contains_nul
from reqtrail.platform.auditing import describe
from reqtrail.platform.notices import announce_commit

MAX_REMEMBERED = 60_000
"""Up to this many changes a commit keeps their hashes in memory (some 15 MB); beyond it reads them back."""

NAMED = 20
"""So many of the changes of a commit are named in its audit event; the commit itself has all."""

LARGE = 1000
"""From this many revisions of a kind on that replace none, the planner is told of them at once."""


@dataclass
class OpenCommit:
    """The project's commit lock with the sequence that it gave out, until the transaction ends.

    Attributes:
        head: What the commit is made upon; its sequence is 0 before the first commit. Nobody else can move it now.
        known: States at the head that were read under the lock and need not be read again.
    """

    counter: Counter
    head: Snapshot
    known: dict[Reference, State] = field(default_factory=dict)

    def remember(self, kind: str, states: dict[UUID, State]) -> None:
        """Keep *states* of entities of *kind*, read at the head."""
        self.known.update({(kind, entity_id): state for entity_id, state in states.items()})


async def open_commit(
    session: AsyncSession, project_id: UUID, branch: str = MAIN, *, as_owner: bool = False
) -> OpenCommit:
    """Lock the project's counter and take the next sequence. The transaction must commit it or give it back.

    Raises:
        RefNotFound: If there is no such branch.
        BranchClosed, BranchProtected: If nothing, or only an owner, may be written to it.
    """
    counter = await repository.take_sequence(session, project_id)
    row = await repository.load_branch(session, project_id, branch)
    if counter is None or row is None:
        raise RefNotFound(f"There is no branch “{branch}” in this project.")
    check_writable(row, as_owner=as_owner)
    return OpenCommit(counter, await head_snapshot(session, project_id, row))


def check_writable(branch: Row[Any], *, as_owner: bool) -> None:
    """Refuse a write to a *branch* row that is closed, or protected from the author.

    Raises:
        BranchClosed, BranchProtected: With a sentence that names the branch.
    """
    if branch.state != "open":
        how = "merged and closed" if branch.state == "merged" else "discarded"
        raise BranchClosed(f"The branch “{branch.name}” was {how}. Its history can be read only.")
    if branch.is_protected and not as_owner:
        raise BranchProtected(
            f"Only owners of the project may change the protected branch “{branch.name}”."
            " Work on a branch of your own, and ask an owner to merge it."
        )


class Writer:
    """Writes the changes of one commit, in one or several goes, and then the commit itself."""

    def __init__(
        self,
        session: AsyncSession,
        request: CommitRequest,
        opened: OpenCommit,
        project_key: str | None,
        *,
        parents: Sequence[bytes] = (),
    ) -> None:
        check_base(request.base_seq, opened.head)
        if contains_nul([request.message, request.kind, dict(request.details)]):
            raise OperationInvalid("The message or the details of the commit hold a NUL character.")
        self._session = session
        self._request = request
        self._opened = opened
        self._counter = opened.counter
        self._head = opened.head
        self._parents = ((opened.head.commit_hash,) if opened.head.seq else ()) + tuple(parents)
        self._names = Names(
            session, request.project_id, project_key, opened.counter.first_item_number
        )
        self._merged = False
        self.counts: Tally[str] = Tally()
        self._added: Tally[str] = Tally()
        self._written: dict[str, list[tuple[UUID, bool, bytes]]] | None = defaultdict(list)

    async def write(self, operations: Sequence[Operation]) -> list[PendingChange]:
        """Apply and write *operations*; return what they changed."""
        changes, merged = await stage(
            self._session, self._request, self._head, self._opened.known, operations
        )
        self._merged = self._merged or merged
        if changes:
            await check_rules(
                self._session,
                self._head,
                self._opened.known,
                changes,
                bulk=self._request.kind == "import",
            )
            await self._names.give([item for item in changes if not item.known])
            await self.put(changes)
        return changes

    async def put(self, changes: Sequence[PendingChange]) -> None:
        """Write *changes* of entities that exist, and whose rules were checked."""
        by_kind: dict[str, list[PendingChange]] = defaultdict(list)
        for item in changes:
            by_kind[item.kind].append(item)
        for name in sorted(by_kind):
            await self._write_kind(get_kind(name), by_kind[name])

    async def abandon(self) -> CommitResult:
        """Give the sequence back: nothing changed."""
        await repository.give_back_sequence(self._session, self._request.project_id)
        head = self._head
        describe(self._session, details={"branch": head.branch, "changes": {}})
        return CommitResult(
            head.seq, head.commit_hash, head.recorded_at, self._merged, (), {}, head
        )

    async def close(
        self, changes: tuple[Change, ...], *, below: tuple[Level, ...] | None = None
    ) -> CommitResult:
        """Write the commit itself and move the head.

        Args:
            below: What lies below the branch from this commit on, if that changes.
        """
        session, request, head = self._session, self._request, self._head
        await self._names.close()
        record = self._record(self._counter.recorded_at, b"")
        digest = commit_hash(request.project_id, record, await self._changes_digest())
        record = self._record(self._counter.recorded_at, digest)
        large = [kind for kind in all_kinds() if self._added[kind.name] >= LARGE]
        if large:
            await repository.analyse(session, large)
        await repository.insert_commit(session, request.project_id, record)
        describe(
            session,
            details={
                # Of a commit that changes content only the commit itself says more: its texts do not belong here.
                **({} if self.counts else record.details),
                "commit": record.seq,
                "digest": record.hash.hex()[:16],
                "kind": record.kind,
                "branch": head.branch,
                "changes": dict(self.counts),
                "entities": [f"{one.action} {one.kind} {one.entity_id}" for one in changes[:NAMED]],
            },
        )
        announce_commit(session, request.project_id)
        snapshot = Snapshot(
            project_id=head.project_id,
            branch_id=head.branch_id,
            branch=head.branch,
            seq=record.seq,
            recorded_at=record.recorded_at,
            commit_hash=record.hash,
            is_head=True,
            below=head.below if below is None else below,
            redacted_seq=head.redacted_seq,
        )
        return CommitResult(
            record.seq,
            record.hash,
            record.recorded_at,
            self._merged,
            changes,
            dict(self.counts),
            snapshot,
        )

    async def _changes_digest(self) -> bytes:
        """Digest what was written: from memory, or for what was too much of it from the tables again."""
        digest = ChangesDigest()
        for kind in all_kinds():
            if not self.counts[kind.name]:
                continue
            if self._written is not None:
                digest.add(
                    kind.name, sorted(self._written[kind.name], key=lambda row: row[0].bytes)
                )
                continue
            async for batch in repository.changes_of(
                self._session, kind, self._head, self._counter.seq
            ):
                digest.add(kind.name, batch)
        return digest.digest()

    def _record(self, recorded_at: datetime, digest: bytes) -> CommitRecord:
        request, head = self._request, self._head
        return CommitRecord(
            seq=self._counter.seq,
            branch_id=head.branch_id,
            kind=request.kind,
            hash=digest,
            parents=self._parents,
            author_id=request.author_id,
            message=request.message,
            authored_at=request.authored_at or recorded_at,
            recorded_at=recorded_at,
            details=dict(request.details),
        )

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
        # On a branch a first edit adds a revision, too: nothing says here which of them are first.
        replaced = 0 if self._head.below else sum(item.before is not None for item in changes)
        self._added[kind.name] += len(changes) - replaced
        if self.counts.total() > MAX_REMEMBERED:
            self._written = None
        if self._written is not None:
            self._written[kind.name].extend(
                (row.entity_id, row.deleted, row.content_hash) for row in rows
            )


def _hash_of(salt: bytes, item: PendingChange) -> bytes:
    try:
        return content_hash(salt, item.kind, item.key, item.deleted, item.after)
    except TypeError as error:
        raise OperationInvalid(
            f"The {item.kind} {item.key or item.entity_id} holds a value that cannot be"
            f" kept: {error}.",
            id=str(item.entity_id),
        ) from None
