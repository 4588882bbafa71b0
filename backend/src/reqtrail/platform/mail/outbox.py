"""The queue of mails in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.kit import clock
from reqtrail.kit.ids import new_id
from reqtrail.platform.crypto import SecretUnreadable, seal, unseal
from reqtrail.platform.mail.letters import Letter
from reqtrail.platform.mail.tables import MAIL_TEXT, mails
from reqtrail.platform.telemetry.tracing import current_trace_parent

LEASE: Final = timedelta(minutes=5)
"""How long one attempt may take; then another worker may try. Longer than every timeout of an attempt together."""
KEPT: Final = timedelta(days=30)
UNREADABLE: Final = "The text of this mail was changed, or was not sealed for it."
_GONE: Final = {"plain": "", "html": "", "sealed": None}


@dataclass(frozen=True)
class Mail:
    """A mail with its text in the clear."""

    mail_id: UUID
    recipient: str
    subject: str
    plain: str
    html: str
    state: str
    attempts: int
    due_at: datetime
    created_at: datetime
    sent_at: datetime | None
    error: str
    trace_parent: str | None


async def post(
    session: AsyncSession, recipient: str, letter: Letter, *, withheld: bool = False
) -> None:
    """Queue *letter* in the transaction of *session*: it is sent if that commits.

    Args:
        withheld: Do the same work, but never send it. Who asks for a mail to an address cannot tell the difference.
    """
    now, mail_id = clock.now(), new_id()
    texts = orjson.dumps([letter.plain(), letter.html()])
    sealed = await seal(session, MAIL_TEXT, (mail_id,), texts)
    await session.execute(
        insert(mails).values(
            mail_id=mail_id,
            recipient=recipient,
            subject=letter.subject_line(),
            plain="",
            html="",
            sealed=None if withheld else sealed,
            state="withheld" if withheld else "queued",
            attempts=0,
            due_at=now,
            created_at=now,
            error="",
            trace_parent=current_trace_parent(),
        )
    )


async def queued(session: AsyncSession) -> tuple[int, float]:
    """Return how many mails are due, and for how many seconds the oldest has been."""
    now = clock.now()
    statement = select(func.count(), func.min(mails.c.due_at)).where(
        mails.c.state == "queued", mails.c.due_at <= now
    )
    row = (await session.execute(statement)).one()
    return int(row[0]), (now - row[1]).total_seconds() if row[1] else 0.0


async def claim(session: AsyncSession) -> Mail | None:
    """Take the mail that has been due for longest; nobody else gets it for LEASE.

    One whose text is unreadable fails, and None is returned.
    """
    due = (
        select(mails.c.mail_id)
        .where(mails.c.state == "queued", mails.c.due_at <= clock.now())
        .order_by(mails.c.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    mail_id = await session.scalar(due)
    if mail_id is None:
        return None
    taken = await session.execute(
        update(mails)
        .where(mails.c.mail_id == mail_id)
        .values(attempts=mails.c.attempts + 1, due_at=clock.now() + LEASE)
        .returning(mails)
    )
    mail = await _opened(session, taken.one())
    if mail.error == UNREADABLE:
        await settle_failed(session, mail, UNREADABLE)
        return None
    return mail


async def settle_sent(session: AsyncSession, mail: Mail) -> None:
    """Note that *mail* was handed over; its text is removed."""
    await _set(session, mail, state="sent", sent_at=clock.now(), error="", **_GONE)


async def settle_failed(session: AsyncSession, mail: Mail, error: str) -> None:
    """Note that *mail* will never be handed over; its text is removed."""
    await _set(session, mail, state="failed", error=error, **_GONE)


async def settle_later(session: AsyncSession, mail: Mail, error: str, due_at: datetime) -> None:
    """Try *mail* again at *due_at*."""
    await _set(session, mail, error=error, due_at=due_at)


async def keep_queued(session: AsyncSession) -> None:
    """Have the local sink keep what is queued: without SMTP, nothing of it is sent, also not later."""
    await session.execute(update(mails).where(mails.c.state == "queued").values(state="kept"))


async def _opened(session: AsyncSession, row: Row[Any]) -> Mail:
    values = dict(row._mapping)
    sealed = values.pop("sealed")
    if sealed is not None:
        try:
            texts = await unseal(session, MAIL_TEXT, (row.mail_id,), sealed)
        except SecretUnreadable:
            values["error"] = UNREADABLE
        else:
            values["plain"], values["html"] = orjson.loads(texts)
    return Mail(**values)


async def _set(session: AsyncSession, mail: Mail, **values: Any) -> None:
    await session.execute(
        update(mails)
        # Not if another worker has taken it over meanwhile.
        .where(mails.c.mail_id == mail.mail_id, mails.c.attempts == mail.attempts).values(**values)
    )


async def list_newest(session: AsyncSession, limit: int) -> list[Mail]:
    """Return the newest mails that were meant to be sent."""
    rows = await session.execute(
        select(mails)
        .where(mails.c.state != "withheld")
        .order_by(mails.c.created_at.desc(), mails.c.mail_id.desc())
        .limit(limit)
    )
    return [await _opened(session, row) for row in rows]


async def forget_old(session: AsyncSession) -> None:
    """Delete the mails that are older than KEPT."""
    await session.execute(delete(mails).where(mails.c.created_at < clock.now() - KEPT))
