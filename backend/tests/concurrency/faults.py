"""Faults planted into the API on purpose, to prove that the checker finds such faults.

Each breaks one thing in the way a plausible mistake would. They live in processes of their own, which the module
``broken_api`` starts; the product knows nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from pytest import MonkeyPatch
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.service import idempotency
from reqtrail.features.identity.tables import idempotency_keys
from reqtrail.features.requirements.service import writes
from reqtrail.features.versioning import repository
from reqtrail.features.versioning.service import writer
from reqtrail.features.versioning.service.changes import stage
from reqtrail.features.versioning.service.naming import Names
from reqtrail.features.versioning.service.refs import head_snapshot
from reqtrail.features.versioning.service.rules import check_rules
from reqtrail.kit import clock
from reqtrail.platform.idempotency import StoredAnswer
from tests.model.faults import moved_base_is_no_change

Fault = Callable[[MonkeyPatch], None]


def lock_after_computing(patch: MonkeyPatch) -> None:
    """Check, then act: an edit is merged with the head that was read, and the lock is taken only to write it."""

    async def unlocked(
        session: AsyncSession, project_id: UUID, branch: str, *, as_owner: bool = False
    ) -> writer.OpenCommit:
        row = await repository.load_branch(session, project_id, branch)
        assert row is not None
        writer.check_writable(row, as_owner=as_owner)
        head = await head_snapshot(session, project_id, row)
        return writer.OpenCommit(repository.Counter(0, head.recorded_at, 0), head)

    async def lock_and_write(self: Any, operations: Sequence[Any]) -> list[Any]:
        session, request = self._session, self._request
        changes, merged = await stage(session, request, self._head, self._opened.known, operations)
        self._merged = self._merged or merged
        if changes:
            await check_rules(session, self._head, self._opened.known, changes)
        opened = await writer.open_commit(
            session, request.project_id, request.branch, as_owner=request.as_owner
        )
        self._counter, self._head = opened.counter, opened.head
        self._parents = (opened.head.commit_hash,)
        self._names = Names(session, request.project_id, None, opened.counter.first_item_number)
        if changes:
            await self._names.give([item for item in changes if item.before is None])
            await self.put(changes)
        return changes

    real = writer.Writer.write

    async def write(self: Any, operations: Sequence[Any]) -> list[Any]:
        computed_unlocked = self._counter.seq == 0
        return await (lock_and_write if computed_unlocked else real)(self, operations)

    patch.setattr(writes, "open_commit", unlocked)
    patch.setattr(writer.Writer, "write", write)


def key_looked_up_before_it_is_kept(patch: MonkeyPatch) -> None:
    """Check, then act: an ``Idempotency-Key`` is looked up at first and kept at last, so two at once both write."""

    async def begin(
        session: AsyncSession, user_id: UUID, key: str, request_hash: bytes
    ) -> StoredAnswer | None:
        row = (await session.execute(select(idempotency_keys).where(*_is(user_id, key)))).first()
        return None if row is None else StoredAnswer(row.status, row.response)

    async def finish(session: AsyncSession, user_id: UUID, key: str, answer: StoredAnswer) -> None:
        row = (await session.execute(select(idempotency_keys).where(*_is(user_id, key)))).first()
        if row is None:
            values = {"user_id": user_id, "key": key, "request_hash": b"", "status": answer.status}
            await session.execute(
                insert(idempotency_keys).values(
                    **values, response=answer.body, created_at=clock.now()
                )
            )

    patch.setattr(idempotency, "begin", begin)
    patch.setattr(idempotency, "finish", finish)


def _is(user_id: UUID, key: str) -> list[Any]:
    return [idempotency_keys.c.user_id == user_id, idempotency_keys.c.key == key]


FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (lock_after_computing, moved_base_is_no_change, key_looked_up_before_it_is_kept)
}
