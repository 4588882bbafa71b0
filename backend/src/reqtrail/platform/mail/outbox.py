"""The queue of mails in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.kit import clock
from reqtrail.kit.ids import new_id
from reqtrail.platform.mail.letters import Letter
from reqtrail.platform.mail.tables import mails

LEASE: Final = timedelta(minutes=5)
"""How long one attempt may take; then another worker may try. Longer than every timeout of an attempt together."""
KEPT: Final = timedelta(days=30)
_GONE: Final = {"plain": "", "html": ""}


@dataclass(frozen=True)
class Mail:
    """A mail as it is stored."""

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


async def post(
    session: AsyncSession, recipient: str, letter: Letter, *, withheld: bool = False
) -> None:
    """Queue *letter* in the transaction of *session*: it is sent if that commits.

    Args:
        withheld: Do the same work, but never send it. Who asks for a mail to an address cannot tell the difference.
    """
    now = clock.now()
    await session.execute(
        insert(mails).values(
            mail_id=new_id(),
            recipient=recipient,
            subject=letter.subject_line(),
            plain="" if withheld else letter.plain(),
            html="" if withheld else letter.html(),
            state="withheld" if withheld else "queued",
            attempts=0,
            due_at=now,
            created_at=now,
            error="",
        )
    )


async def claim(session: AsyncSession) -> Mail | None:
    """Take the mail that has been due for longest; nobody else gets it for LEASE."""
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
    return Mail(**taken.one()._mapping)


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
    return [Mail(**row._mapping) for row in rows]


async def forget_old(session: AsyncSession) -> None:
    """Delete the mails that are older than KEPT."""
    await session.execute(delete(mails).where(mails.c.created_at < clock.now() - KEPT))
