"""The mails of this instance, for administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from reqtrail.features.identity.deps import Administrator, AppSettings
from reqtrail.features.identity.schemas import MailRead, MailsRead
from reqtrail.features.identity.service import mails
from reqtrail.platform.database.session import ReadSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter()


@router.get("/admin/mails", operation_id="list_mails")
async def list_mails(
    user: Administrator,
    settings: AppSettings,
    session: ReadSession,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> MailsRead:
    """List the newest mails (administrators). Their text is shown by the local sink alone: it may hold links."""
    sink = settings.smtp_host is None
    found = await mails.newest(session, limit, with_text=sink)
    return MailsRead(local_sink=sink, mails=[MailRead.model_validate(mail) for mail in found])
