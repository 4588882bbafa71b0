"""The job that seals: taken up by any worker, saved range by range, taken up again where its process died."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning import repository as engine
from reqtrail.features.versioning.hashing import commit_hash
from reqtrail.features.versioning.sealing import repository
from reqtrail.features.versioning.sealing.building import Bucket, build, changes_digest
from reqtrail.features.versioning.sealing.errors import SealBroken
from reqtrail.features.versioning.sealing.forms import (
    BUCKETS,
    sealed_root,
    split_roots,
    tree_root,
)
from reqtrail.features.versioning.sealing.types import Seal, SealState
from reqtrail.features.versioning.service.refs import snapshot_at
from reqtrail.features.versioning.types import Snapshot
from reqtrail.platform.database.engine import Database
from reqtrail.platform.database.scope import of_project, of_task

logger = structlog.get_logger()

LEASE: Final = timedelta(seconds=20)
MAX_ATTEMPTS: Final = 5
RANGE: Final = 256
"""Buckets that are saved in one transaction."""


class LeaseLost(Exception):
    """Another process has taken the seal up."""


async def run_seal(database: Database, project_id: UUID, branch_id: UUID, seq: int) -> SealState:
    """Make one seal, for the job that was queued with it; return what has become of it.

    A seal is its own record: its job may be forgotten, and one that is run again finds what is there.

    Raises:
        LeaseLost: If another process has taken the seal up.
        SQLAlchemyError, OSError: If the database is away; the next attempt goes on where this one was.
    """
    own = database.within(of_project(project_id))
    async with own.session() as session:
        taken = await repository.take(session, project_id, branch_id, seq, LEASE)
    if taken is not None:
        await _run(own, taken, LEASE, passing=(SQLAlchemyError, OSError, LeaseLost))
    async with own.read_session() as session:
        found = await repository.load_seal(session, project_id, branch_id, seq)
    return found.state if found is not None else SealState.FAILED


async def run_pending_seals(
    database: Database,
    *,
    limit: int | None = None,
    lease: timedelta = LEASE,
    waited: timedelta = timedelta(),
) -> int:
    """Make the seals that wait, the oldest first; return how many were taken up.

    For those that have no job: an older version asked for them, or their job is dead.

    Any number of processes may do this at once. What one of them leaves behind when it dies is taken up again once its
    lease has run out, at the range of buckets where it was.

    Args:
        limit: Take up no more than so many.
        waited: Take up only what was asked for so long ago.
    """
    taken, claiming = 0, database.within(of_task("seals"))
    while limit is None or taken < limit:
        async with claiming.session() as session:
            seal = await repository.claim(session, lease, waited)
        if seal is None:
            break
        taken += 1
        await _run(database.within(of_project(seal.project_id)), seal, lease)
    return taken


async def queued_seals(database: Database) -> tuple[int, float]:
    """Return how many seals wait, and for how many seconds the oldest has."""
    async with database.within(of_task("seals")).read_session() as session:
        return await repository.waiting(session)


async def _run(
    database: Database,
    seal: Seal,
    lease: timedelta,
    passing: tuple[type[Exception], ...] = (),
) -> None:
    """Make a seal that was taken.

    Args:
        passing: What the caller deals with, who also counts the attempts.
    """
    log = logger.bind(project=str(seal.project_id), seq=seal.seq, attempt=seal.attempts)
    try:
        if not passing and seal.attempts > MAX_ATTEMPTS:
            raise SealBroken(
                f"The seal was taken up {MAX_ATTEMPTS} times, and its process ended before it was done."
            )
        async with _heartbeat(database, seal, lease):
            await _make(database, seal)
        log.info("seal_made")
    except passing:
        raise
    except LeaseLost:
        log.warning("seal_lease_lost")
    except (SQLAlchemyError, OSError):
        # The database; the lease runs out and the seal is taken up again.
        log.exception("seal_interrupted")
    except SealBroken as error:
        log.error("seal_refused", detail=error.detail)
        await _fail(database, seal, error.detail)
    except Exception:
        log.exception("seal_failed")
        await _fail(
            database, seal, "Sealing met an error of Reqtrail's own; it is in the server's log."
        )


async def _make(database: Database, seal: Seal) -> None:
    async with database.read_session() as reading:
        snapshot = await snapshot_at(reading, seal.project_id, seal.branch_id, seal.seq)
        changes = await _checked_changes(reading, snapshot, seal)
        waiting: list[Bucket] = []
        async for bucket in build(reading, snapshot, seal.next_bucket):
            waiting.append(bucket)
            if len(waiting) == RANGE:
                await _save(database, seal, waiting)
                waiting = []
        await _save(database, seal, waiting)
    async with database.session() as session:
        roots = split_roots(await repository.load_roots(session, seal))
        if len(roots) != BUCKETS:
            raise LeaseLost
        leaf_count = await repository.count_leaves(session, seal.project_id, roots)
        tree = tree_root(roots)
        root = sealed_root(seal.commit_hash, leaf_count, tree)
        if not await repository.finish(
            session,
            seal,
            SealState.SEALED,
            leaf_count=leaf_count,
            tree=tree,
            root=root,
            changes=changes,
        ):
            raise LeaseLost


async def _save(database: Database, seal: Seal, buckets: list[Bucket]) -> None:
    if not buckets:
        return
    made = {bucket.root: bucket.members for bucket in buckets if bucket.members}
    roots = b"".join(bucket.root for bucket in buckets)
    rehashed = sum(bucket.members is not None for bucket in buckets)
    async with database.session() as session:
        await repository.store_buckets(session, seal.project_id, made)
        if not await repository.save_range(session, seal, roots, len(buckets), rehashed):
            raise LeaseLost


async def _checked_changes(session: AsyncSession, snapshot: Snapshot, seal: Seal) -> bytes:
    """Return the digest of what the commit wrote, once its hash is what is stored: no broken history is sealed."""
    changes = await changes_digest(session, snapshot)
    record = await engine.load_commit(session, snapshot.project_id, snapshot.seq)
    assert record is not None, "a snapshot has a commit"
    if not seal.commit_hash == record.hash == commit_hash(seal.project_id, record, changes):
        raise SealBroken(
            f"Version {snapshot.seq} is not what its hash says, so it cannot be sealed:"
            " verify the project."
        )
    return changes


async def _fail(database: Database, seal: Seal, error: str) -> None:
    async with database.session() as session:
        await repository.finish(session, seal, SealState.FAILED, error=error)


@asynccontextmanager
async def _heartbeat(database: Database, seal: Seal, lease: timedelta) -> AsyncIterator[None]:
    """Renew the lease while the block runs; losing it shows when the next range is saved."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(lease.total_seconds() / 3)
            with suppress(SQLAlchemyError, OSError):
                async with database.session() as session:
                    await repository.renew(session, seal, lease)

    beating = asyncio.create_task(beat(), name="seal-heartbeat")
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
