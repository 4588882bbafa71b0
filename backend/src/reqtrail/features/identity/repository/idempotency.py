"""Queries of the answers to writes that happen once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as insert_if_free
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.tables import idempotency_keys
from reqtrail.platform.idempotency import StoredAnswer


async def reserve_idempotency_key(
    session: AsyncSession, user_id: UUID, key: str, request_hash: bytes, now: datetime
) -> bool:
    """Take *key* for this transaction; return False if it is taken.

    While another transaction holds the same key this waits until that one has ended.
    """
    taken = await session.scalar(
        insert_if_free(idempotency_keys)
        .values(
            user_id=user_id,
            key=key,
            request_hash=request_hash,
            status=0,
            response=b"",
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(idempotency_keys.c.key)
    )
    return taken is not None


async def get_idempotent_answer(
    session: AsyncSession, user_id: UUID, key: str
) -> tuple[bytes, StoredAnswer]:
    """Return the digest of the request that took *key* and the answer that it got."""
    row = (
        await session.execute(
            select(idempotency_keys).where(
                idempotency_keys.c.user_id == user_id, idempotency_keys.c.key == key
            )
        )
    ).one()
    return row.request_hash, StoredAnswer(row.status, row.response)


async def store_idempotent_answer(
    session: AsyncSession, user_id: UUID, key: str, answer: StoredAnswer
) -> None:
    """Keep the answer to the request that took *key*."""
    await session.execute(
        update(idempotency_keys)
        .where(idempotency_keys.c.user_id == user_id, idempotency_keys.c.key == key)
        .values(status=answer.status, response=answer.body)
    )
