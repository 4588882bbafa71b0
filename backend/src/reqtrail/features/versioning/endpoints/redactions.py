"""Redaction: owners remove for good what past versions hold."""

from __future__ import annotations

from reqtrail.features.access.public import HistoryRedactor
from reqtrail.features.versioning.schemas import (
    RedactionOutcome,
    RedactionWrite,
    RefRead,
)
from reqtrail.features.versioning.service.redacting import redact, redacted_by, redacted_read
from reqtrail.platform.database.session import WriteSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter()


@router.post("/redactions", operation_id="redact", status_code=201)
async def post_redaction(
    body: RedactionWrite, context: HistoryRedactor, session: WriteSession
) -> RedactionOutcome:
    """Remove what past versions of a thing hold, for good and on every branch. Hashes stay, so everything else can
    still be verified. What an open branch shows has to be edited or deleted there first."""
    result = await redact(
        session,
        context.project_id,
        context.actor.user_id,
        body.entity_id,
        body.reason,
        sequences=body.sequences,
        holding=body.holding,
    )
    removed = await redacted_by(session, context.project_id, result.seq)
    return RedactionOutcome(ref=RefRead.of(result.snapshot), redacted=redacted_read(removed))
