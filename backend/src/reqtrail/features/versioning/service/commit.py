"""The one way in: every write of versioned content ends in :func:`commit` or :func:`commit_stream`."""

from __future__ import annotations

from collections.abc import AsyncIterable, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning import repository
from reqtrail.features.versioning.hashing import GENESIS
from reqtrail.features.versioning.service.refs import whole_snapshot
from reqtrail.features.versioning.service.writer import OpenCommit, Writer, open_commit
from reqtrail.features.versioning.types import (
    MAIN,
    Change,
    CommitRequest,
    CommitResult,
    Operation,
    PendingChange,
    Snapshot,
)
from reqtrail.kit.ids import new_id


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
    opened: OpenCommit | None = None,
    keep_empty: bool = False,
) -> CommitResult:
    """Apply *operations* atomically as one commit; write nothing when they change nothing.

    Changes that others made since ``base_seq`` are merged field by field, texts by word.

    Args:
        project_key: The project's key, if it is known.
        opened: What :func:`open_commit` gave in the same transaction, if the caller took the lock already.
        keep_empty: Write the commit even if it changes nothing: a history that is imported may hold such.

    Raises:
        EditConflict: If the same thing was changed differently since the base; nothing is written.
        EntityExists, EntityNotFound, OperationInvalid, BaseInvalid, RefNotFound: If an operation does not fit.
    """
    opened = opened or await open_commit(
        session, request.project_id, request.branch, as_owner=request.as_owner
    )
    writer = Writer(session, request, opened, project_key)
    changes = await writer.write(operations)
    if not changes and request.kind != "init" and not keep_empty:
        return await writer.abandon()
    return await writer.close(tuple(_change(item) for item in changes))


async def commit_stream(
    session: AsyncSession,
    request: CommitRequest,
    chunks: AsyncIterable[Sequence[Operation]],
    *,
    project_key: str | None = None,
    keep_empty: bool = False,
) -> CommitResult:
    """Like :func:`commit`, for any number of operations in bounded memory; an entity may occur in one chunk only.

    What a chunk refers to (types, parents, ends of links) must come in the same chunk or an earlier one.
    """
    opened = await open_commit(
        session, request.project_id, request.branch, as_owner=request.as_owner
    )
    writer = Writer(session, request, opened, project_key)
    async for operations in chunks:
        await writer.write(operations)
    if not writer.counts and not keep_empty:
        return await writer.abandon()
    return await writer.close(())


async def lock_head(session: AsyncSession, project_id: UUID, branch: str = MAIN) -> Snapshot:
    """Take the project's commit lock ahead of :func:`commit` and return the head that nobody else can move now.

    Raises:
        RefNotFound: If there is no such branch, or it has no commit.
    """
    await repository.lock_counter(session, project_id)
    return await whole_snapshot(session, project_id, branch)


def _change(item: PendingChange) -> Change:
    return Change(item.kind, item.entity_id, item.key, item.action)
