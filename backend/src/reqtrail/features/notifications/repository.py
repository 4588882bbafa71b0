"""The rows of webhooks and of what they sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.notifications.tables import webhook_attempts, webhooks
from reqtrail.features.notifications.types import Attempt, Webhook
from reqtrail.features.versioning.public import project_counters
from reqtrail.kit import clock

KEPT_ATTEMPTS: Final = 50
"""Of each webhook."""


async def list_webhooks(session: AsyncSession, project_id: UUID) -> list[Webhook]:
    """Return the webhooks of a project, the oldest first."""
    rows = await session.execute(
        select(webhooks)
        .where(webhooks.c.project_id == project_id)
        .order_by(webhooks.c.created_at, webhooks.c.webhook_id)
    )
    return [Webhook(**row._mapping) for row in rows]


async def find_webhook(
    session: AsyncSession, project_id: UUID, webhook_id: UUID, *, lock: bool = False
) -> Webhook | None:
    """Return a webhook; with *lock* nobody else changes it until the transaction ends."""
    statement = select(webhooks).where(
        webhooks.c.project_id == project_id, webhooks.c.webhook_id == webhook_id
    )
    row = (await session.execute(statement.with_for_update() if lock else statement)).one_or_none()
    return None if row is None else Webhook(**row._mapping)


async def insert_webhook(session: AsyncSession, **values: Any) -> None:
    """Write a new webhook."""
    await session.execute(insert(webhooks).values(**values))


async def update_webhook(
    session: AsyncSession, project_id: UUID, webhook_id: UUID, **values: Any
) -> None:
    """Change columns of a webhook."""
    await session.execute(
        update(webhooks)
        .where(webhooks.c.project_id == project_id, webhooks.c.webhook_id == webhook_id)
        .values(**values)
    )


async def delete_webhook(session: AsyncSession, project_id: UUID, webhook_id: UUID) -> None:
    """Remove a webhook and what is known of its attempts."""
    for table in (webhook_attempts, webhooks):
        await session.execute(
            delete(table).where(table.c.project_id == project_id, table.c.webhook_id == webhook_id)
        )


async def list_attempts(session: AsyncSession, project_id: UUID, webhook_id: UUID) -> list[Attempt]:
    """Return the attempts of a webhook that are kept, the newest first."""
    rows = await session.execute(
        _attempts()
        .where(
            webhook_attempts.c.project_id == project_id,
            webhook_attempts.c.webhook_id == webhook_id,
        )
        .order_by(webhook_attempts.c.attempt_id.desc())
        .limit(KEPT_ATTEMPTS)
    )
    return [Attempt(**row._mapping) for row in rows]


async def last_attempts(
    session: AsyncSession, project_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, Attempt]:
    """Return the newest attempt of each of the webhooks that made any."""
    rows = await session.execute(
        _attempts()
        .ext(distinct_on(webhook_attempts.c.webhook_id))
        .where(
            webhook_attempts.c.project_id == project_id,
            webhook_attempts.c.webhook_id.in_(ids),
        )
        .order_by(webhook_attempts.c.webhook_id, webhook_attempts.c.attempt_id.desc())
    )
    return {row.webhook_id: Attempt(**row._mapping) for row in rows}


async def insert_attempt(session: AsyncSession, project_id: UUID, attempt: Attempt) -> None:
    """Write what came of an attempt, and forget those of its webhook that are too old to be kept."""
    table = webhook_attempts
    await session.execute(insert(table).values(project_id=project_id, **vars(attempt)))
    mine = (table.c.project_id == project_id, table.c.webhook_id == attempt.webhook_id)
    oldest_kept = (
        select(table.c.attempt_id)
        .where(*mine)
        .order_by(table.c.attempt_id.desc())
        .offset(KEPT_ATTEMPTS - 1)
        .limit(1)
        .scalar_subquery()
    )
    await session.execute(delete(table).where(*mine, table.c.attempt_id < oldest_kept))


async def claim(session: AsyncSession, lease: timedelta) -> tuple[Webhook, int] | None:
    """Take the webhook that has had something to tell for longest; return it with the newest commit of its project.

    Nobody else gets it before *lease* has passed. The transaction is one of the task ``webhooks``.
    """
    due = _due(webhooks.c.project_id, webhooks.c.webhook_id, project_counters.c.last_seq)
    due = due.limit(1).with_for_update(of=webhooks, skip_locked=True)
    found = (await session.execute(due)).one_or_none()
    if found is None:
        return None
    taken = await session.execute(
        update(webhooks)
        .where(webhooks.c.project_id == found.project_id, webhooks.c.webhook_id == found.webhook_id)
        .values(leased_until=clock.now() + lease)
        .returning(webhooks)
    )
    return Webhook(**taken.one()._mapping), int(found.last_seq)


async def list_due(session: AsyncSession) -> list[Webhook]:
    """Return the webhooks that :func:`claim` may take, the next one first, in a transaction of the same task."""
    return [Webhook(**row._mapping) for row in await session.execute(_due(*webhooks.c))]


async def list_behind(session: AsyncSession) -> list[Webhook]:
    """Return the webhooks whose receivers lack commits, whether or not they are due, those first that fail most."""
    rows = await session.execute(
        select(*webhooks.c)
        .join(project_counters, project_counters.c.project_id == webhooks.c.project_id)
        .where(webhooks.c.active, webhooks.c.seen_seq < project_counters.c.last_seq)
        .order_by(webhooks.c.failures.desc(), webhooks.c.due_at)
    )
    return [Webhook(**row._mapping) for row in rows]


def _due(*columns: ColumnElement[Any]) -> Select[Any]:
    """Return the query of what :func:`claim` may take, the next one first."""
    now = clock.now()
    return (
        select(*columns)
        .select_from(webhooks)
        .join(project_counters, project_counters.c.project_id == webhooks.c.project_id)
        .where(
            webhooks.c.active,
            webhooks.c.due_at <= now,
            or_(webhooks.c.leased_until.is_(None), webhooks.c.leased_until <= now),
            or_(webhooks.c.test_asked, webhooks.c.seen_seq < project_counters.c.last_seq),
        )
        .order_by(webhooks.c.due_at)
    )


async def settle(session: AsyncSession, hook: Webhook, **values: Any) -> Webhook | None:
    """Change a webhook that the caller has taken; None if it is gone, paused, or another worker's by now."""
    changed = await session.execute(
        update(webhooks)
        .where(
            webhooks.c.project_id == hook.project_id,
            webhooks.c.webhook_id == hook.webhook_id,
            webhooks.c.leased_until == hook.leased_until,
            webhooks.c.active,
        )
        .values(**values)
        .returning(webhooks)
    )
    row = changed.one_or_none()
    return None if row is None else Webhook(**row._mapping)


async def count_webhooks(session: AsyncSession, project_id: UUID) -> int:
    """Return how many webhooks a project has; nobody else counts them until the transaction ends."""
    alone = int.from_bytes(project_id.bytes[-8:], signed=True)
    await session.execute(select(func.pg_advisory_xact_lock(alone)))
    found = await session.scalar(
        select(func.count()).select_from(webhooks).where(webhooks.c.project_id == project_id)
    )
    return int(found or 0)


def _attempts() -> Select[Any]:
    return select(*(column for column in webhook_attempts.c if column.name != "project_id"))
