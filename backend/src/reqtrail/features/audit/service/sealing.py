"""The sealer: it appends events to the hash tree of their project and signs the tree, soon after they happened.

It works apart from the writes that it seals. A chain inside each write would make all writes of a project wait for each
other; here an event waits in a queue that its own transaction filled, and whatever order transactions end in, none is
left out.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.audit import repository
from reqtrail.features.audit.service.signing import SealKeys, checkpoint_text
from reqtrail.features.audit.types import Checkpoint, Leaf, Row, SealState
from reqtrail.kit import clock
from reqtrail.kit.canonical_json import canonical_bytes
from reqtrail.kit.merkle import append_leaf, leaf_hash, root_of_peaks
from reqtrail.platform.auditing import INSTANCE
from reqtrail.platform.database.engine import Database
from reqtrail.platform.database.scope import of_task

logger = structlog.get_logger()

BATCH: Final = 1000
"""Events that one signature covers at most."""


def leaf_of(row: Row | None, event_id: UUID) -> bytes:
    """Return the leaf of an event as it is stored; without one, what says that it was gone before it was sealed."""
    if row is None:
        return leaf_hash(b"gone\0" + event_id.bytes)
    try:
        return leaf_hash(canonical_bytes(row))
    except TypeError:  # a value that Reqtrail never writes
        return leaf_hash(b"unreadable\0" + event_id.bytes)


async def seal_events(database: Database, keys: SealKeys) -> int:
    """Seal what waits, project by project; return how many events were sealed.

    Any number of processes may do this at once.
    """
    database = database.within(of_task("audit"))
    async with database.read_session() as session:
        projects = await repository.projects_to_seal(session)
    sealed = 0
    for project_id in projects:
        while count := await _seal_some(database, keys, project_id):
            sealed += count
    return sealed


async def _seal_some(database: Database, keys: SealKeys, project_id: UUID) -> int:
    try:
        async with database.session() as session:
            if not await repository.lock_tree(session, project_id):
                return 0
            checkpoint, count = await _grow(session, keys, project_id)
    except IntegrityError:
        logger.info("audit_sealed_by_another", project=str(project_id))
        return 0
    if checkpoint is not None:
        # Whoever keeps the log elsewhere has a witness of the tree that nobody with the database can change.
        logger.info(
            "audit_sealed",
            project=str(project_id),
            size=checkpoint.size,
            root=checkpoint.root.hex(),
            signature=checkpoint.signature.hex(),
        )
    return count


async def _grow(
    session: AsyncSession, keys: SealKeys, project_id: UUID
) -> tuple[Checkpoint | None, int]:
    places = await repository.take_unsealed(session, project_id, BATCH)
    if not places:
        return None, 0
    before = await repository.latest_checkpoint(session, project_id)
    size, peaks = (before.size, list(before.peaks)) if before else (0, [])
    events = await repository.events_of_leaves(session, project_id, places)
    leaves = []
    for place in places:
        digest = leaf_of(events.get(place.event_id), place.event_id)
        leaves.append(Leaf(size, place.occurred_at, place.event_id, digest))
        peaks = append_leaf(size, peaks, digest)
        size += 1
    root, now = root_of_peaks(peaks), clock.now()
    signature = keys.sign(checkpoint_text(project_id, size, root, clock.isoformat(now)))
    checkpoint = Checkpoint(project_id, size, root, tuple(peaks), now, keys.key_id, signature)
    await repository.append_leaves(session, project_id, leaves)
    await repository.insert_checkpoint(session, checkpoint)
    return checkpoint, len(places)


async def unsealed_seconds(database: Database) -> float:
    """Return for how many seconds the oldest event of all projects has waited for the sealer."""
    async with database.within(of_task("audit")).read_session() as session:
        oldest = await repository.first_unsealed(session)
    return (clock.now() - oldest).total_seconds() if oldest else 0.0


async def last_signer(database: Database) -> str | None:
    """Return the id of the key that signed the record of the instance last, if any did."""
    async with database.within(of_task("audit")).read_session() as session:
        checkpoint = await repository.latest_checkpoint(session, INSTANCE)
    return checkpoint.key_id if checkpoint else None


async def seal_state(session: AsyncSession, project_id: UUID) -> SealState:
    """Return how far the record of a project is sealed."""
    checkpoint = await repository.latest_checkpoint(session, project_id)
    return SealState(checkpoint, *await repository.count_unsealed(session, project_id))
