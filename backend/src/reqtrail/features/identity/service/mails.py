"""What administrators see of the mails."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.platform.mail import outbox
from reqtrail.platform.mail.outbox import Mail


async def newest(session: AsyncSession, limit: int, *, with_text: bool) -> list[Mail]:
    """Return the newest mails.

    Args:
        with_text: Whether what they say is part of it. A mail on its way to its reader is nobody else's business.
    """
    found = await outbox.list_newest(session, limit)
    return found if with_text else [replace(mail, plain="", html="") for mail in found]
