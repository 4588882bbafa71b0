"""Seals as the rest of Reqtrail sees them: asked for, and how far they are."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning.sealing import repository
from reqtrail.features.versioning.sealing.errors import NotSealed
from reqtrail.features.versioning.sealing.types import Seal, SealState
from reqtrail.features.versioning.types import Snapshot
from reqtrail.platform.jobs.queue import enqueue

SEAL_JOB: Final = "versioning.seal"


async def request_seal(session: AsyncSession, project_id: UUID, snapshot: Snapshot) -> Seal:
    """Have *snapshot* sealed by a worker once the transaction of *session* is durable; return the seal as it is.

    A state that has a seal, or waits for one, keeps it; a seal that failed is tried again.
    """
    await repository.request(session, snapshot)
    payload = {"branch_id": str(snapshot.branch_id), "seq": snapshot.seq}
    seal = await repository.load_seal(session, project_id, snapshot.branch_id, snapshot.seq)
    assert seal is not None, "it was asked for in this transaction"
    if seal.state is SealState.PENDING:
        await enqueue(session, SEAL_JOB, project_id, None, payload)
    return seal


async def seal_state(
    session: AsyncSession, project_id: UUID, branch_id: UUID, seq: int
) -> Seal | None:
    """Return the seal of the state after commit *seq* of a branch; None if nobody asked for one."""
    return await repository.load_seal(session, project_id, branch_id, seq)


async def finished_seal(session: AsyncSession, snapshot: Snapshot) -> Seal:
    """Return the seal of *snapshot*.

    Raises:
        NotSealed: If it has none that is ready.
    """
    seal = await seal_state(session, snapshot.project_id, snapshot.branch_id, snapshot.seq)
    if seal is None:
        raise NotSealed("Nobody asked for a seal of this version: make a baseline of it.")
    if seal.state is SealState.FAILED:
        raise NotSealed(seal.error or "The seal failed.", state=seal.state)
    if seal.state is not SealState.SEALED:
        raise NotSealed("The seal is being made; try again in a moment.", state=seal.state)
    return seal
